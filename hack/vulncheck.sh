#!/usr/bin/env bash
# Looks for known vulnerabilities that the code of the released program can reach. Needs https://vuln.go.dev, or a copy of
# its database named by GOVULNDB. Arguments go to govulncheck.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

"$(go tool -n -modfile=hack/tools/go.mod govulncheck)" ${GOVULNDB:+-db "$GOVULNDB"} "$@" ./cmd/...
