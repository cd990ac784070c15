#!/usr/bin/env bash
# Runs the tests on programs with one mistake each, and lists the mistakes that none of them notices. It takes long.
# SHERPACK_KUBECONFIG names the cluster they use; without it one is started for them and stopped at the end. Arguments go to
# hack/mutants.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cluster() { go -C test/cluster run . "$@"; }

if [ -z "${SHERPACK_KUBECONFIG:-}" ]; then
  name=mutants-$$
  trap 'cluster down --name "$name"' EXIT
  SHERPACK_KUBECONFIG=$(cluster up --name "$name")
  export SHERPACK_KUBECONFIG SHERPACK_KEEP_NAMESPACES=yes
fi

go run ./hack/mutants "$@"
