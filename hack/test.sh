#!/usr/bin/env bash
# Runs all tests of all modules. SHERPACK_KUBECONFIG names the cluster they use; without it one is started for them and
# stopped at the end. Arguments go to go test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cluster() { go -C test/cluster run . "$@"; }

if [ -z "${SHERPACK_KUBECONFIG:-}" ]; then
  name=test-$$
  trap 'cluster down --name "$name"' EXIT
  SHERPACK_KUBECONFIG=$(cluster up --name "$name")
  export SHERPACK_KUBECONFIG
fi

go test "$@" ./...
go -C test/cluster test "$@" ./...
