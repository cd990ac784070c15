#!/usr/bin/env bash
# Runs the tests that need no cluster with the race detector. Arguments go to go test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Whatever uses the cluster says so by what its tests import.
packages=$(go list -f '{{.ImportPath}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./pkg/... | grep -v /test/clustertest | cut -d ' ' -f 1)
[ -n "$packages" ] || { echo "no packages"; exit 1; }
# shellcheck disable=SC2086 # They are separate words.
CGO_ENABLED=1 go test -race "$@" $packages
