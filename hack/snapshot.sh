#!/usr/bin/env bash
# Builds a release with goreleaser into dist/ and publishes nothing. Where everything is committed, it is built once more, in a
# clone in another folder, and must come out the same. goreleaser is built from source the first time, which takes long.
# Arguments go to goreleaser.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

goreleaser=$(go tool -n -modfile=hack/release/go.mod goreleaser)
# goreleaser runs this one to list what the programs are made of. The list names its hash: that is the same on all machines.
PATH=$(dirname "$(GOFLAGS="${GOFLAGS:-} -trimpath" go tool -n -modfile=hack/release/go.mod cyclonedx-gomod)"):$PATH

snapshot() { "$goreleaser" release --snapshot --clean "$@"; }

snapshot "$@"
cat dist/checksums.txt

if [ -n "$(git status --porcelain)" ]; then
  echo "not built a second time: there are changes that are not committed"
  exit
fi
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
git clone --quiet . "$again/clone"
(cd "$again/clone" && snapshot "$@")
diff dist/checksums.txt "$again/clone/dist/checksums.txt"
echo "built twice, with the same checksums"
