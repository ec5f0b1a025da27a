#!/bin/sh
# Makes a release: the library first, then each module that requires it, in the
# order of internal/modules/modules.tsv.
#
#   internal/release/release.sh [-try] v0.1.0
#
# It goes through all of it in a temporary clone first, gets what was tagged there by a
# proxy of files as a program does (consumer.sh), and stops when anything fails. With
# -try that is all. Without, it makes the same commits and tags here and prints the
# command that publishes them; nothing leaves this machine.
#
# CHANGELOG.md: "## [0.1.0] - unreleased" gets the day; without such a section what
# stands under "## [Unreleased]" becomes one.
#
# It ends with 0 when all went well, with 1 when a step failed, with 2 when it was
# called wrongly or the tree is not ready.
set -eu
GO=${GO:-go}
try=
if [ "${1:-}" = -try ]; then
	try=1
	shift
fi
version=${1:-}

fail() {
	echo "release: $1" >&2
	exit "${2:-1}"
}

echo "$version" | grep -Eq '^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$' || fail "expected a version like v0.1.0, got \"$version\"" 2
case $version in
v[01].*) ;;
*) fail "$version needs another module path: from v2 on the path ends in the major version" 2 ;;
esac
root=$(git rev-parse --show-toplevel) || fail "not in a git repository" 2
cd "$root"
library=$(GOWORK=off $GO list -m)
installed=$(awk -F '\t' '$2 == "workspace" {print $1}' internal/modules/modules.tsv)
tags=$version
for folder in $installed; do tags="$tags $folder/$version"; done

[ -z "$(git status --porcelain)" ] || fail "the tree is not clean: commit or remove what git status shows" 2
for tag in $tags; do
	! git rev-parse --quiet --verify "refs/tags/$tag" > /dev/null || fail "the tag $tag is there already" 2
done
prepared="## [${version#v}] - unreleased"
waiting=$(awk '/^## /{section = $0} !/^## / && /./ && section == "## [Unreleased]"' CHANGELOG.md)
grep -q '^## \[Unreleased\]$' CHANGELOG.md || fail 'CHANGELOG.md has no line "## [Unreleased]"' 2
! { [ -n "$waiting" ] && grep -Fqx "$prepared" CHANGELOG.md; } ||
	fail "CHANGELOG.md has entries under \"Unreleased\" and the section \"$prepared\": move them into it" 2

tmp=$(mktemp -d)
doing=
cleanup() {
	status=$?
	rm -rf "$tmp"
	[ $status -eq 0 ] || echo "release: failed: $doing" >&2
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# proxied runs a command that gets the modules of this repository from the tags of
# the repository in $1, and all others from where the caller gets them. The two
# caches are apart, so no tag of a try gets into the caller's.
proxied() {
	from=$1
	shift
	cat > "$tmp/gitconfig" <<END
[url "file://$from"]
	insteadOf = https://$library
[safe]
	directory = *
END
	others=$($GO env GOPROXY)
	cache=$($GO env GOMODCACHE)/cache/download
	for tag in $(git -C "$from" tag --list "$version" "*/$version"); do
		module=$library
		[ "$tag" = "$version" ] || module=$library/${tag%/"$version"}
		[ -e "$tmp/proxy/cache/download/$module/@v/$version.zip" ] ||
			GIT_CONFIG_GLOBAL=$tmp/gitconfig GOWORK=off GOPROXY=direct GOMODCACHE=$tmp/proxy GOFLAGS=-modcacherw GOPRIVATE=$library \
				$GO mod download "$module@$version"
	done
	GOPROXY=file://$tmp/proxy/cache/download,file://$cache,$others GONOSUMDB=$library,$library/* GOMODCACHE=$tmp/modules \
		GOFLAGS=-modcacherw GOWORK=off "$@"
}

# make_release makes the commits and tags in the repository $1.
make_release() {
	cd "$1"
	sed "s/^const Version = .*/const Version = \"${version#v}\"/" internal/version/version.go > "$tmp/file"
	cp "$tmp/file" internal/version/version.go
	awk -v prepared="$prepared" -v dated="## [${version#v}] - $(date -u +%Y-%m-%d)" '
		FNR == NR { if ($0 == prepared) has = 1; next }
		$0 == prepared { print dated; next }
		{ print }
		$0 == "## [Unreleased]" && !has { print ""; print dated }
	' CHANGELOG.md CHANGELOG.md > "$tmp/file"
	link="[${version#v}]: https://$library/releases/tag/$version"
	grep -Fqx "$link" "$tmp/file" || echo "$link" >> "$tmp/file"
	cp "$tmp/file" CHANGELOG.md
	old=$(cd "$(echo "$installed" | head -1)" && GOWORK=off $GO mod edit -json | sed -n "\\#\"Path\": \"$library\"#{n;s/.*\"Version\": \"\\(.*\\)\".*/\\1/p;}")
	$GO work edit -dropreplace "$library@$old" -replace "$library@$version=./"
	for folder in $installed; do
		$GO mod edit -require "$library@$version" "$folder/go.mod"
		for other in $installed; do
			grep -q "$library/$other v" "$folder/go.mod" || continue
			$GO mod edit -require "$library/$other@$version" "$folder/go.mod"
			$GO work edit -dropreplace "$library/$other@$old" -replace "$library/$other@$version=./$other"
		done
	done
	git add -A
	git commit -q -m "Release $version"
	git tag -a -m "$version" "$version"
	for folder in $installed; do
		# The tag is in the sums of those that require it.
		(cd "$folder" && proxied "$1" $GO mod tidy)
		git add -A
		git diff --cached --quiet || git commit -q -m "Release $folder/$version"
		git tag -a -m "$folder/$version" "$folder/$version"
	done
	cd "$root"
}

git clone -q --no-hardlinks "$root" "$tmp/clone"
for setting in user.name user.email; do
	git -C "$tmp/clone" config $setting "$(git config $setting || echo release@example.com)"
done
# Not as a part of a condition: that would switch -e off inside.
doing="making the release in a clone; nothing was done here"
make_release "$tmp/clone"
doing="installing what was tagged in a clone; nothing was done here"
proxied "$tmp/clone" "$tmp/clone/internal/release/consumer.sh" "$version"
echo "in a clone: $(git -C "$tmp/clone" tag --points-at HEAD) and what is before it can be installed"
[ -z "$try" ] || exit 0

doing="making the release here; git log and git tag show how far it came"
make_release "$root"
echo "tagged: $tags"
echo "to publish: git push origin HEAD $tags"
