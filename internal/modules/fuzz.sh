#!/bin/sh
# Runs each fuzz target of the module in the current folder for a while.
#
#   internal/modules/fuzz.sh 10s
#
# An input that reaches new code is made smaller by 100 executions. By default that takes up
# to a minute each time, in which nothing else is tried: of a target with goroutines or maps,
# whose ways are never twice the same, most of the time.
set -eu
GO=${GO:-go}
for package in $($GO list ./...); do
	for target in $($GO test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "$package $target"
		$GO test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 100x "$package"
	done
done
