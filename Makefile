# `make` says what there is. `make test` needs nothing but Go.

# The same flags for every build and test, so that nothing is compiled twice.
export CGO_ENABLED ?= 0
export GOFLAGS += -trimpath

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BENCH    ?= .
BASE     ?= origin/main
COUNT    ?= 1
FUZZTIME ?= 30s
FUZZIN   ?= .
SOAK     ?= 5m
IMAGE    ?= ecr-gate:dev
PKG      ?= ./gate ./gate/ecr ./webhook

TOOL = go tool -modfile=tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help build demo test race fuzz bench bench-test soak crash micro compare mutate cover lint chart deploy browser licences vuln sbom reproducible release-check e2e check docker-build clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/ecr-gate, static
	go build -ldflags='-s -w -X main.version=$(VERSION)' -o bin/ecr-gate ./cmd/ecr-gate

demo: build ## The whole thing on this machine: no AWS account, no cluster
	bin/ecr-gate demo

test: ## All tests of this module
	go test ./...

race: ## The same under the race detector (needs gcc), but for test/: what runs there is another process
	CGO_ENABLED=1 go test -race -vet=off $$(go list ./... | grep -v /test/)

fuzz: ## Each fuzz target for FUZZTIME=30s or 1000x; FUZZIN=./gate for those in there
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' $(FUZZIN) \
	| sed 's|/[^/]*_test\.go:func | |' | sort | { found=0; while read -r dir target; do \
		echo "== $$target in $$dir, $(FUZZTIME)"; \
		go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=10x "$$dir" </dev/null || found=1; \
	done; exit $$found; }

bench: ## All figures of docs/performance.md, about two minutes, and the plot bin/bench.svg; BENCHFLAGS="-only webhook"
	@mkdir -p bin
	go run -C test/bench . -plot ../../bin/bench.svg $(BENCHFLAGS)

bench-test: ## That all of it still measures, in a glance
	go test -C test/bench -count=1 ./...

soak: ## The program under an AWS that misbehaves, with an oracle: SOAK=5m
	go test -tags=faults -run=TestClock ./cmd/ecr-gate
	go run ./test/soak -for $(SOAK)

crash: ## The binary killed at every step of a job, stopped under load, short of disk, files and memory; prints times and sizes
	@mkdir -p bin
	CRASH=$(CURDIR)/bin/crash.md go test -count=1 ./test/crash
	@cat bin/crash.md

micro: ## Benchmarks beside the code: BENCH=regexp, COUNT=10 for benchstat
	go test -run='^$$' -bench='$(BENCH)' -benchmem -count=$(COUNT) ./...

compare: ## The same at BASE=origin/main and here, in turn, and what benchstat says of it: BENCH=regexp, COUNT=10
	@test/bench/compare '$(BASE)' '$(BENCH)' $(if $(filter 1,$(COUNT)),10,$(COUNT))

mutate: ## Changes gate, gate/ecr and webhook bit by bit, and sees that their tests notice; 40 minutes, or PKG=./gate/ecr
	go run -C tools/mutate . -root ../.. $(PKG)

cover: ## Coverage in total; by line in bin/cover.html
	@mkdir -p bin
	go test -coverpkg=./... -coverprofile=bin/cover.out ./...
	go tool cover -html=bin/cover.out -o bin/cover.html
	go tool cover -func=bin/cover.out | tail -1

lint: ## golangci-lint; the first run compiles it, about a minute
	$(TOOL) golangci-lint run
	cd test/bench && go tool -modfile=../../tools/go.mod golangci-lint run ./...
	go mod tidy -diff
	go mod tidy -C test/bench -diff

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

reproducible: ## The program built twice with the same bytes, its SBOM, its licences
	go test -C tools/release -count=1 -short ./...

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
