#!/usr/bin/env bash
# Runs all tests of all modules. SHERPACK_KUBECONFIG names the cluster they use; without it one is started for them and
# stopped at the end. Arguments go to go test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. hack/cluster.sh
use_cluster test

# Tests wait for real hooks, leases and deadlines most of the time, so more packages run at once than there are processors.
go test -p 4 -timeout 30m "$@" ./...
go -C test/helm test "$@" ./...
go -C hack/tools test "$@" ./...
# The programs of the cluster are built this way: the tests find the thousands of packages compiled, not to do again.
GOFLAGS="${GOFLAGS:-} -trimpath" go -C test/cluster test "$@" ./...
