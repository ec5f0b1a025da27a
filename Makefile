# Every check that CI runs is a target here. "make help" lists them.
GO            ?= go
PROVIDERS     := brevo brevotracker pakatv3 pakat sendpulse smsby
GOLANGCI      := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.8.0
OAPI          := github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen

.DEFAULT_GOAL := help
.PHONY: help generate check-generate stock-check fmt lint test race cover faults fuzz vuln demo sandbox tidy capabilities

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

generate: ## write gen/ from the specs in api/
	$(GO) generate ./gen/...

check-generate: generate ## fail when gen/ is not what the specs give
	@git diff --exit-code -- gen || (echo 'gen/ is stale: run "make generate" and commit'; exit 1)

stock-check: ## generate and vet the stock client of the same specs, the fallback of our template
	@rm -rf internal/stockcheck && for p in $(PROVIDERS); do \
	  mkdir -p internal/stockcheck/$$p && \
	  awk -v p=$$p '/^  user-templates:/ {skip=1; next} skip && /^    / {next} {skip=0} \
	    {sub("openapi.gen.go", "internal/stockcheck/" p "/stock.gen.go"); sub("../../api/", "api/"); print} \
	    /^output-options:/ {print "  response-type-suffix: Wrapped"}' api/$$p/oapi-codegen.yaml > internal/stockcheck/$$p/config.yaml && \
	  $(GO) run $(OAPI) -config internal/stockcheck/$$p/config.yaml api/$$p/openapi.yaml || exit 1; \
	done; $(GO) vet ./internal/stockcheck/...; status=$$?; rm -rf internal/stockcheck; exit $$status

fmt: ## format
	gofmt -w $$(git ls-files '*.go' | grep -v '\.gen\.go$$')

lint: ## static checks, import directions
	$(GO) vet ./...
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || (gofmt -l $$(git ls-files '*.go'); echo 'run "make fmt"'; exit 1)
	$(GO) run $(GOLANGCI) run

test: ## all tests
	$(GO) test ./...

race: ## all tests under the race detector, in random order
	$(GO) test -race -shuffle=on ./...

cover: ## test coverage of hand-written code
	$(GO) test -coverpkg=./... -coverprofile=coverage.out ./...
	@grep -v '\.gen\.go:' coverage.out > coverage.hand.out && mv coverage.hand.out coverage.out
	$(GO) tool cover -func=coverage.out | tail -1

faults: ## the fault tests in full length, about nine minutes, and those with toxiproxy
	$(GO) test -count=1 -v -timeout 30m -run 'TestNeverLeft|TestHostileAnswers' ./internal/httpx -faults.long
	$(GO) test -count=1 -v -timeout 30m ./internal/faults -faults.long
	cd internal/faulttest && $(GO) vet ./... && $(GO) test -count=1 -v -timeout 5m ./...

fuzz: ## each fuzz target for ten seconds
	@for pkg in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	  echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$pkg || exit 1; done; done

vuln: ## known vulnerabilities in what is linked (needs the internet)
	$(GO) run $(GOVULNCHECK) ./...

demo: ## one message and 200 contacts through all five providers, without an account
	@$(GO) run ./cmd/postmux demo

sandbox: ## run the fakes of all five vendors on loopback
	@$(GO) run ./cmd/postmux sandbox

capabilities: ## rewrite docs/capabilities.md from the code
	@$(GO) run ./cmd/postmux capabilities --markdown > docs/capabilities.md

tidy: ## fail when go.mod is not tidy
	$(GO) mod tidy -diff
