#!/bin/sh
# Gets a version of the library as a program does that has never seen this tree, and
# compiles and tests the programs of README.md with it; then installs the tool and asks
# it for its version.
#
#   internal/release/consumer.sh v0.1.0
#
# Modules come from where GOPROXY says: release.sh gives a proxy of files made from
# the tags of a clone, the release workflow the public one. It ends with 1 when a step
# fails, with 2 when it was called wrongly.
set -eu
GO=${GO:-go}
version=${1:?usage: internal/release/consumer.sh v0.1.0}
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "$root" && GOWORK=off $GO list -m)
export GOWORK=off GOFLAGS="${GOFLAGS:-} -mod=mod"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

mkdir "$tmp/shop"
cd "$tmp/shop"
# Each Go block of the page is a whole program, or a test.
awk '
	/^```go$/ { n++; code = 1; text = ""; test = 0; next }
	/^```$/ && code {
		code = 0
		folder = "program" n
		system("mkdir -p " folder)
		printf "%s", text > (folder (test ? "/program_test.go" : "/main.go"))
		next
	}
	code { text = text $0 "\n" }
	code && /^package .*_test$/ { test = 1 }
' "$root/README.md"
programs=$(find . -name '*.go' | wc -l)
[ "$programs" -gt 0 ] || { echo "consumer: README.md has no program" >&2; exit 1; }
$GO mod init example.com/shop 2> /dev/null
$GO get "$library@$version"
$GO mod tidy
got=$($GO list -m -f '{{.Version}}{{with .Replace}} replaced{{end}}' "$library")
[ "$got" = "$version" ] || { echo "consumer: expected $library $version, got $got" >&2; exit 1; }
$GO build -o "$tmp/programs/" ./...
$GO test -vet=off ./... > "$tmp/log" || { cat "$tmp/log" >&2; exit 1; }
echo "$programs programs of README.md compile and pass with $library $got"

for folder in $(awk -F '\t' '$2 == "workspace" && $1 ~ /^cmd\// {print $1}' "$root/internal/modules/modules.tsv"); do
	GOFLAGS=$(echo "$GOFLAGS" | sed 's/ -mod=mod$//') GOBIN=$tmp/bin $GO install "$library/$folder@$version"
	said=$("$tmp/bin/$(basename "$folder")" version)
	echo "$said"
	case $said in
	*" ${version#v} "*) ;;
	*)
		echo "consumer: $folder@$version says \"$said\"" >&2
		exit 1
		;;
	esac
done
