#!/bin/sh
# Proves that the import rules of .golangci.yml find what they forbid, also in a
# folder that they do not name. In a copy of the tree a file is added for each row
# of the table below; depguard must report those marked with "no" and no other.
#
#   internal/importrules/importrules.sh GOLANGCI@VERSION
#
# It ends with 0 when the rules hold, with 1 when they do not, with 2 when that
# could not be found out.
set -u
tool=$1
GO=${GO:-go}
export GOWORK=off

fail() {
	echo "importrules: $1" >&2
	exit 2
}

root=$(git rev-parse --show-toplevel) || fail "not in a git repository"
cd "$root" || fail "cannot enter $root"
module=$($GO list -m) || fail "cannot tell the module"
dir=$(mktemp -d) || fail "cannot make a temporary folder"
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$dir" || fail "cannot copy the tree"
cd "$dir" || fail "cannot enter $dir"

# acme stands for an adapter that no rule names and the tree does not have.
cat > table <<EOT
no  acme/a.go                  $module/brevo
no  acme/b.go                  $module/sandbox
no  acme/c.go                  $module/provider/all
no  acme/d.go                  log
no  acme/below/e.go            $module/sandbox
yes acme/f.go                  $module/rest
yes acme/g.go                  $module/internal/httpx
yes acme/h.go                  $module/provider
yes acme/t.go                  $module/provider/feature
yes acme/i.go                  net/http
yes acme/j_test.go             $module/sandbox
no  internal/scratch/k.go      $module/acme
no  internal/scratch/l.go      $module/sandbox
yes internal/scratch/m.go      $module/internal/httpx
yes internal/scratch/n.go      $module/api
no  internal/sendinblue/o.go   $module/gen/smsbyapi
yes internal/sendinblue/p.go   $module/rest/flex
no  sandbox/q.go               $module/smsby
yes sandbox/r.go               $module/gen/smsbyapi
no  gen/acmeapi/s.go           $module/provider
no  provider/t.go              $module/rest
yes provider/u.go              $module/internal/mailaddr
no  cmd/postmux/internal/scratch/v.go $module/brevo
no  cmd/postmux/internal/scratch/w.go $module/sandbox
yes cmd/postmux/internal/scratch/x.go $module/cmd/postmux/internal/exit
yes cmd/postmux/internal/scratch/y.go $module/provider
EOT
while read -r _ file import; do
	mkdir -p "${file%/*}"
	package=${file%/*}
	package=${package##*/}
	printf '// Package %s is a scratch.\npackage %s\n\nimport _ "%s"\n' "$package" "$package" "$import" > "$file"
done < table

depguard() { $GO run "$tool" run --enable-only depguard --max-same-issues 0 --max-issues-per-linter 0 --path-mode abs ./... 2>&1 | sed "s#$dir/##"; }
depguard > report
# The tool is a module of its own, which finds the library by go.work.
(cd cmd/postmux && GOWORK= && export GOWORK && depguard) >> report
sed -n "s/^\([^:]*\):[0-9:]* import '\([^']*\)' is not allowed.*(depguard)$/\1 \2/p" report | sort > found
grep -q . found || fail "golangci-lint found nothing: $(cat report)"
awk '$1 == "no" {print $2, $3}' table | sort > expected
# What the tree itself breaks is for "make lint".
awk 'NR == FNR {added[$2]; next} $1 in added' table found > reported
if ! diff expected reported; then
	echo "importrules: < must be forbidden and is not; > is forbidden and must not be" >&2
	exit 1
fi
echo "importrules: $(wc -l < expected) forbidden imports found, $(grep -c ^yes table) allowed"
