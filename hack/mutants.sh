#!/usr/bin/env bash
# Runs the tests on programs with one mistake each, and lists the mistakes that none of them notices. It takes long.
# SHERPACK_KUBECONFIG names the cluster they use; without it one is started for them and stopped at the end. Arguments go to
# hack/mutants.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. hack/cluster.sh
use_cluster mutants

go run ./hack/mutants "$@"
