# make without a target prints what there is. Nothing but Go, make and git is needed.

# What is tested is what is released: programs without cgo, whether this machine has a C compiler or not.
CGO_ENABLED ?= 0
export CGO_ENABLED

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  := $(shell git rev-parse --verify --quiet HEAD 2>/dev/null)
DATE    := $(shell git show -s --format=%cI HEAD 2>/dev/null)
LDFLAGS := -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)

# Where go install puts programs.
GOBIN := $(shell go env GOBIN)
ifeq ($(GOBIN),)
GOBIN := $(shell go env GOPATH)/bin
endif

.DEFAULT_GOAL := help

.PHONY: help
help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the plugin into bin/.
	go build -ldflags "$(LDFLAGS)" -o bin/ ./cmd/kubectl-sherpack

.PHONY: install
install: ## Build the plugin and put it where go install puts programs.
	go install -ldflags "$(LDFLAGS)" ./cmd/kubectl-sherpack
	@echo "kubectl-sherpack is in $(GOBIN)"

.PHONY: test
test: ## Run all tests against a real control plane on this machine, started and stopped for them.
	hack/test.sh

.PHONY: test-exhaustive
test-exhaustive: ## Try every row of the long tables, every instant of a kill and many faults; make test tries others of them at each commit.
	hack/exhaustive.sh

.PHONY: test-race
test-race: ## Run the tests that need no cluster with the race detector, which needs a C compiler.
	hack/race.sh

.PHONY: test-race-all
test-race-all: ## Run all tests with the race detector.
	CGO_ENABLED=1 hack/test.sh -race

.PHONY: vulncheck
vulncheck: ## Ask Go's database on vuln.go.dev for known vulnerabilities in what the program uses.
	hack/vulncheck.sh

.PHONY: docs
docs: ## Write docs/reference, a page for each command.
	go test ./pkg/plugin -run TestReference -update

.PHONY: notices
notices: ## Write the licenses of what the program contains to bin/THIRD_PARTY_NOTICES.txt.
	go run ./hack/notices bin/THIRD_PARTY_NOTICES.txt

.PHONY: snapshot
snapshot: ## Build a release into dist/ with goreleaser, twice, and publish nothing.
	hack/snapshot.sh

.PHONY: mutants
mutants: ## Break the program in a hundred ways, one at a time, and list those that no test notices.
	hack/mutants.sh

.PHONY: lint
lint: ## Check the code with golangci-lint, which is built from source the first time.
	hack/lint.sh run

.PHONY: targets
targets: ## Type-check the plugin for every system that it is released for; only a release compiles it for all of them.
	go run -C hack/tools ./typecheck ../.. linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: fmt
fmt: ## Format the code as lint wants it.
	hack/lint.sh fmt

.PHONY: demo
demo: build ## Start a cluster here and install the example pack, hooks and all.
	hack/demo.sh

.PHONY: demo-down
demo-down: ## Stop the demo's cluster and remove what it kept.
	go -C test/cluster run . down --name demo
