#!/bin/sh
# Compares the public packages of this module with those at a git ref and tells
# the incompatible changes. gen/ is outside the promise of docs/compatibility.md: its
# changes come last, for the changelog, and never fail. internal/ and nested modules
# are left out.
#
#   internal/apidiff/apidiff.sh REF TOOL@VERSION [strict]
#
# It ends with 0, also after incompatible changes, unless strict is given: then
# they are 1. 2 means that nothing could be compared.
set -u
ref=$1 tool=$2 strict=${3:-}
GO=${GO:-go}
export GOWORK=off

fail() {
	echo "apidiff: $1" >&2
	exit 2
}

root=$(git rev-parse --show-toplevel) || fail "not in a git repository"
cd "$root" || fail "cannot enter $root"
git rev-parse --quiet --verify "$ref^{commit}" >/dev/null ||
	fail "there is no commit \"$ref\"; name one: make apidiff BASE=v0.1.0 (a shallow clone needs: git fetch origin main)"
dir=$(mktemp -d) || fail "cannot make a temporary folder"
cleanup() {
	git worktree remove --force "$dir/base" >/dev/null 2>&1
	rm -rf "$dir"
	git worktree prune
}
trap cleanup EXIT
trap 'exit 130' INT TERM

git worktree add --quiet --detach "$dir/base" "$ref" || fail "cannot check out \"$ref\""
# The tool is built here: in the worktree an older go.mod would choose its Go.
GOBIN="$dir" $GO install "$tool" || fail "cannot build $tool"
module=$($GO list -m) || fail "cannot read go.mod"
(
	cd "$dir/base" && at=$($GO list -m) && $GO build ./... && [ "$at" = "$module" ] && "$dir/apidiff" -m -w "$dir/base.export" "$at"
) >"$dir/log" 2>&1 || { cat "$dir/log" >&2; fail "\"$ref\" does not build, or is another module"; }
$GO build ./... || fail "this tree does not build"
"$dir/apidiff" -m -incompatible "$dir/base.export" "$module" >"$dir/all" 2>"$dir/log" || { cat "$dir/log" >&2; fail "cannot compare"; }

# A line is "- ./package.Name: what"; "package …" at its start is one that was removed.
grep '^- ' "$dir/all" | grep -Ev '^- (package )?('"$module"'|\.)/(gen|internal)/' >"$dir/public"
grep -E '^- (package )?('"$module"'|\.)/gen/' "$dir/all" >"$dir/gen"
generated() {
	[ -s "$dir/gen" ] || return 0
	echo
	echo "Of the generated clients, for \"Generated clients\" in CHANGELOG.md:"
	cat "$dir/gen"
}
if [ ! -s "$dir/public" ]; then
	echo "No incompatible change of the public packages since $ref."
	generated
	exit 0
fi
echo "Incompatible changes of the public packages since $ref:"
cat "$dir/public"
generated
echo
if [ -n "$strict" ]; then
	echo "Each needs a new major version: see docs/compatibility.md. Keep the old form and deprecate it, or take the change back." >&2
	exit 1
fi
echo "Before v1 they are allowed: list each under \"Changed\" in CHANGELOG.md (docs/compatibility.md)."
