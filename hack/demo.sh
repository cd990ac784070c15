#!/usr/bin/env bash
# Starts a cluster on this machine, or finds the one that runs, and installs the example pack into it afresh.
# make demo builds the plugin first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. hack/cluster.sh

# show prints a command as one would type it, and runs it.
show() {
  printf '\n$ %s\n' "$*"
  "$@"
}

KUBECONFIG=$(cluster up --name demo)
tools=$PWD/bin:$(cluster bin)
export KUBECONFIG PATH="$tools:$PATH"

kubectl get namespace shop >/dev/null 2>&1 || show kubectl create namespace shop
if kubectl sherpack status shop -n shop >/dev/null 2>&1; then
  show kubectl sherpack uninstall shop -n shop
fi
show kubectl sherpack install shop examples/shop -n shop
show kubectl sherpack status shop -n shop

cat <<EOT

To continue by hand:

  export KUBECONFIG=$KUBECONFIG
  export PATH=$tools:\$PATH
  kubectl sherpack list -n shop
  kubectl get all -n shop -l sherpack.io/release=shop

To stop: make demo-down
EOT
