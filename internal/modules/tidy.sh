#!/bin/sh
# Tidies the go.mod and go.sum of each module of modules.tsv, or with -diff says
# what is not tidy and ends with 1.
#
#   internal/modules/tidy.sh [-diff] [FOLDER...]
#
# A module that somebody installs has no replace and requires versions of the library
# and of modules beside it that may not be out yet. "go mod tidy" knows nothing of
# go.work and would ask for them, so it works on copies in which they are this tree.
set -eu
diff=
if [ "${1:-}" = -diff ]; then
	diff=-diff
	shift
fi
GO=${GO:-go}
export GOWORK=off
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "$root" && $GO list -m)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# The modules of go.work: the library, and those that stand beside it.
beside=$(awk -F '\t' '$2 == "workspace" {print $1}' "$root/internal/modules/modules.tsv")

# tidied DIR writes what tidy makes of the module in DIR to $tmp/go.mod and go.sum.
tidied() {
	cp "$1/go.mod" "$tmp/go.mod"
	replace="-replace $library=$root" drop="-dropreplace $library"
	for other in $beside; do
		grep -q "$library/$other v" "$tmp/go.mod" || continue
		replace="$replace -replace $library/$other=$root/$other" drop="$drop -dropreplace $library/$other"
	done
	# The sums of released modules of this tree are no business of tidy here.
	grep -Ev "^$library(/[^ ]*)? v" "$1/go.sum" > "$tmp/go.sum" || true
	$GO mod edit $replace "$tmp/go.mod" &&
		(cd "$1" && $GO mod tidy -modfile "$tmp/go.mod" $diff) &&
		$GO mod edit $drop "$tmp/go.mod"
}

status=0
[ $# -gt 0 ] || set -- $(awk -F '\t' 'NR > 1 {print $1}' "$root/internal/modules/modules.tsv")
for folder in "$@"; do
	dir=$root/$folder
	mode=$(awk -F '\t' -v f="$folder" '$1 == f {print $2}' "$root/internal/modules/modules.tsv")
	case $mode in
	workspace)
		touch "$dir/go.sum"
		if ! tidied "$dir"; then
			status=1
		elif [ -z "$diff" ]; then
			grep -E "^$library(/[^ ]*)? v" "$dir/go.sum" >> "$tmp/go.sum" || true
			cp "$tmp/go.mod" "$tmp/go.sum" "$dir"
		fi
		;;
	library | apart)
		(cd "$dir" && $GO mod tidy $diff) || status=1
		;;
	*)
		echo "tidy: modules.tsv has no folder $folder" >&2
		exit 2
		;;
	esac
done
if [ $status -ne 0 ]; then
	echo 'a go.mod is not tidy: run "make tidy-write"' >&2
fi
exit $status
