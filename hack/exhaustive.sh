#!/usr/bin/env bash
# Tries every case of the end-to-end tests that try only some of theirs: all failures, a kill at every instant, many runs over
# a bad connection, all hostile input. It takes about an hour. SHERPACK_KUBECONFIG names the cluster that is used; without it one is started
# and stopped at the end. Arguments go to go test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. hack/cluster.sh
use_cluster exhaustive

go test -timeout 3h ./test/e2e -run 'TestEveryFailureHasAnEnd|TestACommandMayBeKilledAtAnyInstant|TestFaultsOnTheWayToTheServer|Hostile|TestEditedRecordsAreRefused|TestEveryCombinationOfDeletePolicies' \
  -failures=0 -instants=0 -faults=200 -rows=0 "$@"
