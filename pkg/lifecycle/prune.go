package lifecycle

import (
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// retire says which revisions of a history are superseded when a new one is deployed, or removed, and which are then too
// many. The newest are kept, and the one that stays deployed. Those whose heads cannot be read do not count: they are kept
// until the release is uninstalled.
func retire(history release.History, newest *release.Release, most int) (superseded, forgotten release.History) {
	history = history.Readable()
	stays := history.Deployed()
	if newest.Status.Phase != release.Failed {
		stays = nil
		superseded = slices.DeleteFunc(slices.Clone(history), func(r *release.Release) bool {
			return r.Status.Phase != release.Deployed || r.Spec.Revision == newest.Spec.Revision
		})
	}
	tooMany := len(history) + 1 - most
	for _, revision := range history {
		if most > 0 && len(forgotten) < tooMany && revision != stays {
			forgotten = append(forgotten, revision)
		}
	}
	return superseded, forgotten
}
