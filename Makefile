# `make` says what there is. `make test` needs nothing but Go.

# The same flags for every build and test, so that nothing is compiled twice.
export CGO_ENABLED ?= 0
export GOFLAGS += -trimpath

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BENCH    ?= .
COUNT    ?= 1
FUZZTIME ?= 30s
IMAGE    ?= ecr-gate:dev

TOOL = go tool -modfile=tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help build demo test race fuzz bench micro cover lint chart deploy browser licences vuln sbom release-check e2e check docker-build clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/ecr-gate, static
	go build -ldflags='-s -w -X main.version=$(VERSION)' -o bin/ecr-gate ./cmd/ecr-gate

demo: build ## The whole thing on this machine: no AWS account, no cluster
	bin/ecr-gate demo

test: ## All tests of this module
	go test ./...

race: ## The same under the race detector (needs gcc)
	CGO_ENABLED=1 go test -race ./...

fuzz: ## Each fuzz target for FUZZTIME=30s
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . \
	| sed 's|/[^/]*_test\.go:func | |' | sort | while read -r dir target; do \
		echo "== $$target in $$dir, $(FUZZTIME)"; \
		go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=10x "$$dir" </dev/null || exit 1; \
	done

bench: ## The webhook beside a server that allows everything, and the Lambda function: tables, about two minutes
	go run ./test/bench

micro: ## Benchmarks beside the code: BENCH=regexp, COUNT=10 for benchstat
	go test -run='^$$' -bench='$(BENCH)' -benchmem -count=$(COUNT) ./...

cover: ## Coverage in total; by line in bin/cover.html
	@mkdir -p bin
	go test -coverpkg=./... -coverprofile=bin/cover.out ./...
	go tool cover -html=bin/cover.out -o bin/cover.html
	go tool cover -func=bin/cover.out | tail -1

lint: ## golangci-lint; the first run compiles it, about a minute
	$(TOOL) golangci-lint run
	go mod tidy -diff

chart: ## The Helm chart: lint, unit tests, and its rendered configuration read by this program
	go test -C tools/chart -count=1 ./...

deploy: ## The CloudFormation and Terraform templates: against AWS's schemas, each other and the program
	go test -C tools/deploy -count=1 ./...

browser: ## The HTML report in headless Chromium; needs Debian's chromium
	go test -C test/browser -count=1 ./...

licences: ## Licences of everything linked; their texts into bin/third-party-licences.txt
	@mkdir -p bin
	go run -C tools/release ./licences -root ../.. -o ../../bin/third-party-licences.txt

vuln: ## Known vulnerabilities in code that is called
	go run -C tools/release ./vuln -root ../.. ./cmd/ecr-gate

sbom: build ## bin/ecr-gate.cdx.json
	go tool -modfile=tools/release/go.mod cyclonedx-gomod bin -json -std -noserial -notimestamp -output bin/ecr-gate.cdx.json bin/ecr-gate

release-check: ## Licences, SBOM, goreleaser, a release made twice with the same bytes; slow at first
	go test -C tools/release -count=1 ./...

e2e: ## A real cluster on this machine with the chart in it; needs Linux and root, installs the rest
	go test -C test/e2e -count=1 -p 1 -v -timeout 75m ./...

check: test lint fuzz ## What CI runs but for chart and e2e: test, lint, race (where there is gcc), fuzz
	@if command -v gcc >/dev/null; then $(MAKE) --no-print-directory race; else echo "no gcc: make race skipped"; fi

docker-build: ## Container image for this machine, IMAGE=ecr-gate:dev (for both platforms: see Dockerfile)
	docker build --build-arg VERSION=$(VERSION) --tag $(IMAGE) .

clean: ## Remove what was built
	rm -rf bin
