#!/bin/sh
# Runs each fuzz target of the module in the current folder for a while.
#
#   internal/modules/fuzz.sh 10s
set -eu
GO=${GO:-go}
for package in $($GO list ./...); do
	for target in $($GO test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "$package $target"
		$GO test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "$package"
	done
done
