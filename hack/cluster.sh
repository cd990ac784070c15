# Sourced by scripts that run tests: SHERPACK_KUBECONFIG names the cluster that these use; without it one of a given name is
# started for them and stopped when the script ends.

cluster() { go -C test/cluster run . "$@"; }

use_cluster() {
  [ -z "${SHERPACK_KUBECONFIG:-}" ] || return 0
  cluster_name=$1-$$
  trap 'cluster down --name "$cluster_name"' EXIT
  SHERPACK_KUBECONFIG=$(cluster up --name "$cluster_name")
  # Namespaces end with the cluster.
  export SHERPACK_KUBECONFIG SHERPACK_KEEP_NAMESPACES=yes
}
