#!/bin/sh
# Runs a command in the folder of each module of modules.tsv and ends with 1 when
# it fails in any.
#
#   internal/modules/each.sh [-joined] COMMAND...
#
# By itself (GOWORK=off) the library has the oldest versions of its go.mod, which is
# what a program gets that needs no newer ones. With -joined it has those of go.work,
# the newest. The tool, which requires a library that may not be out yet, always has
# go.work; what measures and compares never has.
set -u
joined=
if [ "$1" = -joined ]; then
	joined=1
	shift
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
tab=$(printf '\t')
failed=
while IFS=$tab read -r folder mode _; do
	case $mode$joined in
	mode*) continue ;; # the head of the table
	workspace* | library1) work= ;;
	*) work=off ;;
	esac
	echo "+ $folder: $*" >&2
	(cd "$root/$folder" && GOWORK=$work "$@" < /dev/null) || failed="$failed $folder"
done < "$root/internal/modules/modules.tsv"
if [ -n "$failed" ]; then
	echo "failed in:$failed" >&2
	exit 1
fi
