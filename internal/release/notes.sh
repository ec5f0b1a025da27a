#!/bin/sh
# Prints the section of a version in CHANGELOG.md, without its heading.
#
#   internal/release/notes.sh v0.1.0
#
# It ends with 1 when there is none, or nothing in it.
set -eu
version=${1:?usage: internal/release/notes.sh v0.1.0}
notes=$(awk -v heading="## [${version#v}] - " '
	index($0, heading) == 1 { in_it = 1; next }
	/^## / || /^\[[^]]*\]: / { in_it = 0 }
	in_it
' "$(dirname "$0")/../../CHANGELOG.md")
[ -n "$notes" ] || { echo "notes: CHANGELOG.md has no section \"## [${version#v}] - DAY\" with text" >&2; exit 1; }
echo "$notes"
