package plan

import (
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Result is what running a plan came to.
type Result struct {
	// Release is the record as it was written last; it is not stored where its ResourceVersion is empty.
	Release *release.Release
	// Extent is how far the run got into changing the cluster.
	Extent Extent
	// Returned names the objects that were given back.
	Returned []string
}

// Extent says how much of what a release has may have been changed.
type Extent int

// The extents.
const (
	// Nothing: at most hooks that come before the work were run.
	Nothing Extent = iota
	// Groundwork: what must be there before any hook runs, or before those that need it, was changed, too.
	Groundwork
	// Everything: the work itself has begun.
	Everything
)
