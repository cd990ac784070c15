#!/usr/bin/env bash
# Runs golangci-lint, built from hack/tools, over every module with Go code: hack/lint.sh run|fmt [FLAGS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

linter=$(go tool -n -modfile=hack/tools/go.mod golangci-lint)
status=0
"$linter" "$@" ./... || status=1
(cd test/helm && "$linter" "$@" ./...) || status=1
(cd hack/tools && "$linter" "$@" ./...) || status=1
(cd hack/krew && "$linter" "$@" ./...) || status=1

cd test/cluster
# The programs of the cluster are built this way: the linter finds the thousands of packages compiled, not to do again.
GOFLAGS="${GOFLAGS:-} -trimpath" "$linter" "$@" ./... || status=1
exit $status
