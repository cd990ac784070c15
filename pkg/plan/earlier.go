package plan

import (
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Earlier is what an operation knows of those before it.
type Earlier struct {
	// MayHaveLeftovers says that the newest revision before did not come to a good end, or a hook of it did not, so that hooks of it
	// may still run.
	MayHaveLeftovers bool
	// Unfinished says that the newest revision before did not come to a good end, so that it may have made what it has not
	// recorded.
	Unfinished bool
	// Journal are the records of hooks that there were before the operation; its own are in the release.
	Journal []release.Hook
	// Resumed says that the operation is the one that the journal is about, so that hooks which it left running are its own.
	Resumed bool
}

// earlier is what is known from a revision; nil is none.
func earlier(r *release.Release) Earlier {
	if r == nil {
		return Earlier{}
	}
	return Earlier{MayHaveLeftovers: endedBadly(r), Unfinished: unfinished(r), Journal: slices.Clone(r.Status.Hooks)}
}

// endedBadly reports whether a revision did not come to a good end, or a hook of it did not; nil is none.
func endedBadly(r *release.Release) bool {
	return unfinished(r) || r != nil && slices.ContainsFunc(r.Status.Hooks, func(h release.Hook) bool {
		return h.State == release.HookFailed || h.State == release.HookRunning
	})
}

// unfinished reports whether a revision did not come to a good end; nil is none.
func unfinished(r *release.Release) bool {
	if r == nil {
		return false
	}
	if r.Record.Damage.Err() != nil {
		// Nobody knows.
		return true
	}
	return !slices.Contains([]release.Phase{release.Deployed, release.Superseded, release.Uninstalled}, r.Status.Phase)
}

// Record returns what the journal says of a hook; nil where it has nothing.
func (e Earlier) Record(h Hook) *release.Hook {
	return (&release.Status{Hooks: e.Journal}).Hook(string(h.Phase), h.Object.Reference())
}
