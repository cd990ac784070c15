package lifecycle

import (
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Plan is an operation as a list of steps. It is made by NewPlan or NewRemoval and run once.
type Plan struct {
	Operation Operation
	// Release is the revision that the operation makes or, at uninstall, the newest one. Running the plan writes its
	// status and its inventory.
	Release *release.Release
	// Steps are done in order; the first that fails ends the operation.
	Steps   []Step
	Options Options
	// Supersedes are the revisions that are not deployed any more once this one is, and Forgets those whose records are
	// dropped then because the history has become too long.
	Supersedes, Forgets []*release.Release
}

// Options are the user's choices that are not part of what is installed.
type Options struct {
	// Timeout bounds the forward work of the operation; 0 means no bound.
	Timeout time.Duration
	// Wait adds a step that waits until all regular objects are ready.
	Wait bool
	// NoHooks skips all hooks, and SkipPhases those of the named phases.
	NoHooks    bool
	SkipPhases []hook.Phase
	// HistoryMax is how many revisions are kept; 0 means all.
	HistoryMax int
	// ForceConflicts takes fields that another manager owns.
	ForceConflicts bool
}

// skips reports whether the hooks of a phase are left out.
func (o Options) skips(phase hook.Phase) bool {
	if o.NoHooks {
		return true
	}
	for _, skipped := range o.SkipPhases {
		if skipped == phase {
			return true
		}
	}
	return false
}

// Verb is what a step does.
type Verb string

// The verbs of steps.
const (
	// Apply applies Objects, several at a time, and then waits until those that others build on are established.
	Apply Verb = "apply"
	// RunHooks runs Hooks one after another, and then deletes what their policies say.
	RunHooks Verb = "run-hooks"
	// Wait waits until Objects are ready.
	Wait Verb = "wait"
	// Delete deletes what Entries name, several at a time, and waits until it is gone.
	Delete Verb = "delete"
	// Keep reports what Entries name and what is left in place.
	Keep Verb = "keep"
)

// Step is one step of a plan. Which fields are set depends on the verb.
type Step struct {
	Verb  Verb
	Phase hook.Phase
	// Wave is the wave of Apply and Delete; 0 for what comes before all waves.
	Wave    int
	Objects []manifest.Object
	Hooks   []Hook
	Entries []release.Entry
}

// Hook is a hook at one phase, ready to be applied.
type Hook struct {
	hook.Hook
	Phase hook.Phase
	// Object carries the namespace, the name and the marks it will have on the cluster.
	Object manifest.Object
	// Title is how it is shown: pre-install/migrate.
	Title string
}

// objects returns every object that the plan applies, hooks included, each once.
func (p *Plan) objects() []manifest.Object {
	var all []manifest.Object
	seen := map[manifest.Key]bool{}
	add := func(object manifest.Object) {
		if key := manifest.KeyOf(object.Reference()); !seen[key] {
			seen[key] = true
			all = append(all, object)
		}
	}
	for _, step := range p.Steps {
		if step.Verb == Apply {
			for _, object := range step.Objects {
				add(object)
			}
		}
		for _, h := range step.Hooks {
			add(h.Object)
		}
	}
	return all
}
