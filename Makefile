# Every check that CI runs is a target here. "make help" lists them.
GO            ?= go
PROVIDERS     := $(shell awk -F '\t' 'NR > 1 {print $$1}' api/vendors.tsv)
GOLANGCI      := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.8.0
APIDIFF       := golang.org/x/exp/cmd/apidiff@v0.0.0-20261014143641-f0251eb4aa3e
OAPI          := github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen
BENCHSTAT     := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
# All modules, and those that go.work joins, are listed in internal/modules/modules.tsv.
EACH          := internal/modules/each.sh
JOINED        := $(shell awk -F '\t' '$$2 == "library" || $$2 == "workspace" {print "./" $$1 "/..."}' internal/modules/modules.tsv)
export GO

.DEFAULT_GOAL := help
.PHONY: ablation apidiff public-api consumer release-try tidy-write sizes bench bench-test benchstat help generate check-generate drift drift-test otherclients spec-lint stock-check fmt wasm lint lint-test test race cover faults kills fuzz vuln demo demo-outbox sandbox tidy capabilities configuration

# What is generated, compared and measured does so with the versions of its own go.mod.
generate check-generate drift drift-test stock-check wasm bench bench-test benchstat ablation faults sizes: export GOWORK := off

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

generate: ## check the specs in api/ and write gen/ from them, and what tests need
	@$(GO) run ./internal/specrules/cmd
	@for p in $(PROVIDERS); do mkdir -p gen/$${p}api && (cd gen/$${p}api && \
	  $(GO) run $(OAPI) -config ../../api/$$p/oapi-codegen.yaml ../../api/$$p/openapi.yaml) || exit 1; done
	@$(GO) generate ./api
	@$(GO) test ./provider/feature -run TestConstants -update > /dev/null

check-generate: generate ## fail when gen/ is not what the specs give
	@git diff --exit-code -- gen provider/feature '*_gen_test.go' || (echo 'generated code is stale: run "make generate" and commit'; exit 1)

drift: ## what a vendor's newer description changes for us: PROVIDER=brevo NEW=new.yaml, or ALL=folder; with OLD=old.yaml JSON=out.json SUGGEST=out.yaml
	@test -n "$(ALL)" || (test -n "$(PROVIDER)" && test -n "$(NEW)") || \
	  (echo 'usage: make drift PROVIDER=brevo NEW=new.yaml [OLD=old.yaml] [JSON=out.json] [SUGGEST=out.yaml], or make drift ALL=folder [JSON=out.json]'; exit 2)
	@dir=$$(mktemp -d) && (cd internal/drift && $(GO) build -o $$dir/drift .) && \
	  $$dir/drift -root . $(if $(ALL),-all $(ALL),-provider $(PROVIDER)) $(addprefix -old ,$(OLD)) $(if $(JSON),-json $(JSON)) \
	    $(if $(SUGGEST),-suggest $(SUGGEST)) $(NEW); status=$$?; rm -rf $$dir; exit $$status

drift-test: ## the tests of drift, which is a module of its own
	cd internal/drift && $(GO) vet ./... && $(GO) test -timeout 5m ./...

spec-lint: ## the linters of others over all specs, and a TypeScript client of each that compiles (needs Node)
	@command -v npm > /dev/null || (echo 'spec-lint needs Node with npm; make generate checks our own rules without it'; exit 1)
	cd api/lint && npm ci --ignore-scripts --no-audit --no-fund && rm -rf out && \
	  npx spectral lint --ruleset .spectral.yaml --fail-severity error --display-only-failures $(PROVIDERS:%=../%/openapi.yaml) && \
	  REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true npx redocly lint --config redocly.yaml $(PROVIDERS:%=../%/openapi.yaml) && \
	  for p in $(PROVIDERS); do npx openapi-typescript ../$$p/openapi.yaml -o out/$$p.ts || exit 1; done && \
	  npx tsc --noEmit --strict out/*.ts

otherclients: ## the official Node clients of Brevo and SendPulse against the sandbox (needs Node)
	@if command -v node > /dev/null && command -v npm > /dev/null; then \
	  (cd internal/otherclients && npm ci --ignore-scripts --no-audit --no-fund --silent) && $(GO) test -count=1 ./internal/otherclients; \
	else echo 'otherclients: skipped, there is no Node with npm here'; fi

stock-check: ## generate and vet the stock client of the same specs, the fallback of our template
	@rm -rf internal/stockcheck && for p in $(PROVIDERS); do \
	  mkdir -p internal/stockcheck/$$p && \
	  awk -v p=$$p '/^  user-templates:/ {skip=1; next} skip && /^    / {next} {skip=0} \
	    {sub("openapi.gen.go", "internal/stockcheck/" p "/stock.gen.go"); sub("../../api/", "api/"); print} \
	    /^output-options:/ {print "  response-type-suffix: Wrapped"}' api/$$p/oapi-codegen.yaml > internal/stockcheck/$$p/config.yaml && \
	  $(GO) run $(OAPI) -config internal/stockcheck/$$p/config.yaml api/$$p/openapi.yaml || exit 1; \
	done; $(GO) vet ./internal/stockcheck/...; status=$$?; rm -rf internal/stockcheck; exit $$status

wasm: ## the library builds for js/wasm; the tool needs signals and files and does not
	GOOS=js GOARCH=wasm $(GO) build ./api ./brevo ./gen/... ./pakat ./provider/... ./sendpulse ./smsby

fmt: ## format
	gofmt -w $$(git ls-files '*.go' | grep -v '\.gen\.go$$')

lint: ## static checks of every module, import directions
	$(EACH) $(GO) vet ./...
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || (gofmt -l $$(git ls-files '*.go'); echo 'run "make fmt"'; exit 1)
	$(EACH) $(GO) run $(GOLANGCI) run

lint-test: ## the import rules find what they forbid, in a new folder too
	@GO="$(GO)" internal/importrules/importrules.sh $(GOLANGCI)

test: ## all tests of every module, of the library with the oldest versions that it takes
	$(EACH) $(GO) test ./...

# By default a program under the detector waits for a second before it exits. The tests start
# hundreds of programs.
race: export GORACE := atexit_sleep_ms=10
race: ## all tests under the race detector, in random order, of the library with the newest versions
	$(EACH) -joined $(GO) test -race -shuffle=on ./...

cover: ## test coverage of hand-written code
	$(GO) test -coverpkg=$$(echo $(JOINED) | tr ' ' ,) -coverprofile=coverage.out $(JOINED)
	@grep -v '\.gen\.go:' coverage.out > coverage.hand.out && mv coverage.hand.out coverage.out
	$(GO) tool cover -func=coverage.out | tail -1

faults: ## the fault tests in full length, about nine minutes, and those with toxiproxy
	$(GO) test -count=1 -v -timeout 30m -run 'TestNeverLeft|TestHostileAnswers' ./internal/httpx -faults.long
	$(GO) test -count=1 -v -timeout 30m ./internal/faults -faults.long
	cd internal/faulttest && $(GO) vet ./... && $(GO) test -count=1 -v -timeout 5m ./...

kills: ## the tool killed 500 times in batches, imports and exports, and the disk full at each write, about half an hour
	cd cmd/postmux && $(GO) test -count=1 -v -timeout 2h -run '^TestKilled$$' . -kills 500
	cd cmd/postmux && $(GO) test -count=1 -v -timeout 2h -run '^TestDiskFullAtEveryWrite$$' . -full-every 1

bench: ## measure beside other libraries, about ten minutes, and write docs/performance.md: BENCH=-short only tries it
	$(GO) run $(OAPI) -config bench/stockbrevo/config.yaml api/brevo/openapi.yaml
	cd bench && $(GO) vet ./... && $(GO) run . -doc ../docs/performance.md $(BENCH)

bench-test: ## tests of bench/: every client sends the same mail, the scenarios run in small
	cd bench && $(GO) vet ./... && $(GO) test ./...

ablation: ## what each piece of internal/fastpath saves, about a minute, and write docs/performance.md
	cd bench && $(GO) test -count=1 -run '^TestAblation$$' -ablation.doc ../docs/performance.md .

# Both revisions run the benchmarks of this tree, in turn, so that the machine's noise hits both.
benchstat: ## what this tree's client costs beside that of another revision: OLD=HEAD COUNT=8
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && mkdir $$dir/tree && git archive $(or $(OLD),HEAD) | tar -x -C $$dir/tree && \
	  sed "s#=> \.\.\$$#=> $$dir/tree#" bench/go.mod > $$dir/old.mod && cp bench/go.sum $$dir/old.sum && cd bench && \
	  $(GO) test -c -o $$dir/new.test . && $(GO) test -c -mod=mod -modfile=$$dir/old.mod -o $$dir/old.test . && \
	  for i in $$(seq $(or $(COUNT),8)); do for side in old new; do \
	    $$dir/$$side.test -test.run '^$$' -test.bench . -test.benchtime 300ms >> $$dir/$$side.txt || exit 1; done; done && \
	  $(GO) run $(BENCHSTAT) old=$$dir/old.txt new=$$dir/new.txt

apidiff: ## incompatible changes of the public packages: BASE=v0.1.0 (default main), STRICT=1 fails on any
	@GO="$(GO)" internal/apidiff/apidiff.sh "$(or $(BASE),main)" $(APIDIFF) $(STRICT)

public-api: ## record the public API in internal/publicapi/*.txt, after a change of it
	@$(GO) test ./internal/publicapi -run '^TestPublicAPI$$' -update > /dev/null
	@git status --short internal/publicapi

sizes: ## measure the generated packages and write the table in docs/generated.md, about a minute
	$(GO) run ./internal/sizes

fuzz: ## each fuzz target of every module for ten seconds
	$(EACH) "$(CURDIR)/internal/modules/fuzz.sh" 10s

vuln: ## known vulnerabilities in what is linked (needs the internet)
	$(EACH) $(GO) run $(GOVULNCHECK) ./...

demo-outbox: ## two workers of an outbox, one killed; nothing is lost or sent twice
	@echo 'compiling the tool, up to a minute the first time ...' >&2
	@$(GO) run ./cmd/postmux outbox demo

demo: ## one message and 200 contacts through all providers, without an account
	@echo 'compiling the tool, up to a minute the first time ...' >&2
	@$(GO) run ./cmd/postmux demo

sandbox: ## run the fakes of all vendors on loopback
	@$(GO) run ./cmd/postmux sandbox

capabilities: ## rewrite docs/capabilities.md from the code
	@$(GO) run ./cmd/postmux capabilities --markdown > docs/capabilities.md

configuration: ## rewrite the tables of docs/configuration.md from the structs of settings
	@$(GO) test ./cmd/postmux -run TestSettingsInDocs -update > /dev/null

tidy: ## fail when a go.mod is not tidy
	internal/modules/tidy.sh -diff

tidy-write: ## tidy every go.mod
	internal/modules/tidy.sh

consumer: ## what importing costs a program: write the tables in docs/compatibility.md; CHECK=1 only compares
	GOWORK=off $(GO) run ./internal/consumer $(if $(CHECK),-check)

release-try: ## go through a release in a temporary clone, without publishing: VERSION=v0.1.0
	@test -n "$(VERSION)" || (echo 'usage: make release-try VERSION=v0.1.0'; exit 2)
	internal/release/release.sh -try "$(VERSION)"
