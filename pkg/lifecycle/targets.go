package lifecycle

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Targets are the objects that a release is known to have on the cluster, in the order of its inventory, with what its manifest
// says about when they are ready. nodes are those of the manifest; conditions of one that cannot be read do not count.
func Targets(r *release.Release, nodes []*yaml.RNode) []kube.WaitTarget {
	said := map[kinds.Key]manifest.Object{}
	for _, node := range nodes {
		if object, err := manifest.NewObject(node); err == nil {
			said[object.Key()] = object
		}
	}
	var targets []kube.WaitTarget
	for _, entry := range r.Inventory {
		if entry.UID == "" {
			continue
		}
		target := kube.WaitTarget{Ref: entry.Reference()}
		if entry.Role == release.HookRun && r.Status.Phase.Pending() {
			// A hook may just have been replaced by its next run, which is not on record yet.
			target.Ref.UID = ""
		}
		key := entry.Key()
		object, found := said[key]
		if !found && key.Namespace == r.Namespace {
			// Its template may leave the namespace to the release.
			key.Namespace = ""
			object, found = said[key]
		}
		if found && entry.Role == release.Regular {
			if ready, failed, err := conditions(object); err == nil {
				target.Ready, target.Failed = ready, failed
			}
		}
		targets = append(targets, target)
	}
	return targets
}
