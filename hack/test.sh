#!/usr/bin/env bash
# Runs all tests of all modules. SHERPACK_KUBECONFIG names the cluster they use; without it one is started for them and
# stopped at the end. Arguments go to go test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. hack/cluster.sh
use_cluster test

# The end-to-end tests wait for real hooks, some of them until their time is over.
go test -timeout 30m "$@" ./...
go -C test/helm test "$@" ./...
# The programs of the cluster are built this way: the tests find the thousands of packages compiled, not to do again.
GOFLAGS="${GOFLAGS:-} -trimpath" go -C test/cluster test "$@" ./...
