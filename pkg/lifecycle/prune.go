package lifecycle

import (
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// prune plans the removal of what earlier revisions, failed ones included, may own and this one does not have. It comes
// last, so that running Pods keep what they were started with and a revision that fails has destroyed nothing. The
// finished hooks that no hook of this revision names, at any phase, go with it.
func (c *content) prune(previous *release.Release) []Step {
	if previous == nil {
		return nil
	}
	named := map[manifest.Key]bool{}
	for _, object := range c.regular {
		named[manifest.KeyOf(object.Reference())] = true
	}
	for _, h := range c.hooks {
		named[manifest.KeyOf(h.Object.Reference())] = true
	}
	left := slices.DeleteFunc(slices.Clone(previous.Inventory), func(entry release.Entry) bool { return named[keyOf(entry)] })
	return removalSteps(left)
}

// retire says which revisions of a history are superseded by a new one, and which are then too many. The newest are kept.
func retire(history release.History, most int) (superseded, forgotten []*release.Release) {
	for _, revision := range history {
		if revision.Status.Phase == release.Deployed {
			superseded = append(superseded, revision)
		}
	}
	// The new revision is one of those that are kept.
	if most > 0 && len(history) >= most {
		forgotten = slices.Clone(history[:len(history)-most+1])
	}
	return superseded, forgotten
}
