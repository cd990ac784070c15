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
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

.PHONY: test-race
test-race: ## The same with the race detector, which needs a C compiler.
	CGO_ENABLED=1 hack/test.sh -race

.PHONY: lint
lint: ## Check the code with golangci-lint, which is built from source the first time.
	hack/lint.sh run

.PHONY: fmt
fmt: ## Format the code as lint wants it.
	hack/lint.sh fmt

.PHONY: demo
demo: build ## Start a cluster here and install the example pack, hooks and all.
	hack/demo.sh

.PHONY: demo-down
demo-down: ## Stop the demo's cluster and remove what it kept.
	go -C test/cluster run . down --name demo
