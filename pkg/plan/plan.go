// Package plan says what an operation on a release will do, as a list of steps. It is pure: making a plan reaches no cluster.
package plan

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Plan is an operation as a list of steps. It is made by New, Remove, Test, Resume or Undo, and not changed afterwards.
type Plan struct {
	Operation release.Operation
	// Release is the record that the operation begins with: of the revision that it makes or, where it makes none, of the one
	// that it works on. A run continues with a copy of it.
	Release *release.Release
	// Steps are done in order; the first that fails ends the operation.
	Steps   []Step
	Options Options
	// Earlier is what is known of the operations before this one.
	Earlier
	// History is all revisions that there were before the operation, oldest first, with what lists show.
	History release.History
	OtherHooks
	// IsUndo says that the plan is run without trying it first, as an undo must.
	IsUndo bool
}

// OtherHooks are hooks that a plan does not run and whose dry-runs the preflight submits with those of its steps.
type OtherHooks struct {
	// Undo are those of the undo that may become necessary.
	Undo []Hook
	// Later are those that other commands will run on the revision. Whoever makes it must be allowed to run them, too.
	Later []Hook
}

// Options are the user's choices that are not part of what is installed.
type Options struct {
	// Timeout bounds the forward work of the operation; 0 means no bound.
	Timeout time.Duration
	// Wait adds a step that waits until all regular objects are ready.
	Wait bool
	// SkipPhases are the phases whose hooks are skipped.
	SkipPhases []hook.Phase
	// HistoryMax is how many revisions are kept; 0 means all.
	HistoryMax int
	// ForceConflicts takes fields that another manager owns.
	ForceConflicts bool
	// TakeOwnership takes over objects that are applied and belong to nobody or to somebody else, from whatever manages them,
	// and deletes those that carry the marks of the release and are not what it made.
	TakeOwnership bool
	// RecreateImmutable deletes objects that cannot be changed in place and recreates them, save those that hold what
	// cannot be recreated.
	RecreateImmutable bool
	// DeleteCRDs treats custom resource definitions like all else when a release is removed or rolled back. Without it
	// they stay as they are, because all objects of their kinds go with them.
	DeleteCRDs bool
	// KeepHistory keeps the record of a release that is uninstalled.
	KeepHistory bool
	// Cascade is what becomes of the dependents of the objects that an uninstallation deletes; "" is Background and, with Wait,
	// Foreground for what may have Pods, so that these are gone, too.
	Cascade metav1.DeletionPropagation
	// Logs says which logs of hooks are shown; "" is LogsOfFailed.
	Logs Logs
}

// Logs says which logs of hooks are shown.
type Logs string

// LogsOfFailed shows the end of the log of a hook that fails, AllLogs everything that all containers of all hooks say, as they say
// it, and NoLogs nothing. The end of each log is recorded in any case.
const (
	LogsOfFailed Logs = "failed"
	AllLogs      Logs = "all"
	NoLogs       Logs = "none"
)

// LogsOf returns what is shown of the log of a hook: a hook may ask for all of it, unless nothing is to be shown of any.
func (o Options) LogsOf(h Hook) Logs {
	if o.Logs != NoLogs && slices.Contains(h.Logs, hook.LogSucceeded) {
		return AllLogs
	}
	return o.Logs
}

// Skips reports whether the hooks of a phase are skipped.
func (o Options) Skips(phase hook.Phase) bool {
	return slices.Contains(o.SkipPhases, phase)
}

// SkipsRemovalHooks reports whether an uninstallation runs no hooks.
func (o Options) SkipsRemovalHooks() bool { return o.Skips(hook.PreDelete) && o.Skips(hook.PostDelete) }

// Action is what a step does.
type Action string

// The actions of steps.
const (
	// Apply applies Objects, several at a time, and then waits until those that others build on are established.
	Apply Action = "apply"
	// RunHooks runs Hooks one after another, and then deletes what their policies say.
	RunHooks Action = "run-hooks"
	// Wait waits until Objects are ready.
	Wait Action = "wait"
	// Delete deletes what Entries name, several at a time, and waits until it is gone unless NoWait says otherwise. A
	// Namespace is deleted only when nothing else is in it.
	Delete Action = "delete"
	// Keep reports what Entries name and what is left in place.
	Keep Action = "keep"
	// GiveBack makes what Entries name and what was adopted what it was before. The steps after it are done even where that
	// fails, and then the operation has failed.
	GiveBack Action = "give-back"
	// HandOver gives the objects of Handovers other marks, and their fields another manager. Nothing else of them changes.
	HandOver Action = "hand-over"
	// WriteHelm writes Records, in their order.
	WriteHelm Action = "write-helm-records"
)

// Step is one step of a plan. Which fields are set depends on the action.
type Step struct {
	Action Action
	Phase  hook.Phase
	// Wave is the wave of Apply and Delete; 0 for what comes before all waves.
	Wave    int
	Objects []manifest.Object
	// Early says that Objects are applied before the first hooks, because these need them. They are in no later wave.
	Early   bool
	Hooks   []Hook
	Entries []release.Entry
	ChangeOfHands
	FailingHooks
	// NoWait only starts the deletion.
	NoWait bool
}

// ChangeOfHands is what a release is that is taken over from Helm, or given to it.
type ChangeOfHands struct {
	// Handovers are the objects of HandOver, and Records what WriteHelm has Helm find, or not find.
	Handovers []Handover
	Records   []release.HelmRecord
}

// FailingHooks say what becomes of RunHooks when a hook fails.
type FailingHooks struct {
	// KeepGoing runs the hooks that come after one that failed, too.
	KeepGoing bool
	// Optional says that the operation continues when the hooks fail, which is recorded and said.
	Optional bool
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

// Objects returns every object that some steps apply, hooks included, each once.
func Objects(steps []Step) []manifest.Object {
	var all []manifest.Object
	seen := map[kinds.Key]bool{}
	add := func(object manifest.Object) {
		if key := object.Key(); !seen[key] {
			seen[key] = true
			all = append(all, object)
		}
	}
	for _, step := range steps {
		if step.Action == Apply {
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

// Skipped returns the records of the hooks of the operation that are skipped. The release may have others from earlier
// operations.
func (p Plan) Skipped() []release.Hook {
	course := CourseOf(p.Operation)
	var skipped []release.Hook
	for _, record := range p.Release.Status.Hooks {
		phase := hook.Phase(record.Phase)
		if phase != "" && (phase == course.Before || phase == course.After) && record.State == release.HookSkipped {
			skipped = append(skipped, record)
		}
	}
	return skipped
}

// HasRun reports whether a hook succeeded before the operation was resumed, so that it does not run again.
func (p Plan) HasRun(h Hook) bool { return HasRun(p.Release, h) }

// HasRun reports whether the record of a release says that a hook has succeeded.
func HasRun(r *release.Release, h Hook) bool {
	record := r.Status.Hook(string(h.Phase), h.Object.Reference())
	return record != nil && record.State == release.HookSucceeded
}

// HooksOutside returns the hooks that the plan runs outside of the release's namespace, in running order: in another one, or
// cluster-wide.
func (p Plan) HooksOutside() []Hook {
	var found []Hook
	for _, step := range p.Steps {
		for _, h := range step.Hooks {
			if h.Object.GetNamespace() != p.Release.Namespace && !p.HasRun(h) {
				found = append(found, h)
			}
		}
	}
	return found
}

// Definitions returns the custom resource definitions that the plan deletes if they are there: all objects of their kinds
// go with them.
func (p Plan) Definitions() []corev1.ObjectReference {
	var found []corev1.ObjectReference
	for _, step := range p.Steps {
		for _, entry := range step.Entries {
			if step.Action == Delete && kinds.IsDefinition(entry.GroupKind()) {
				found = append(found, entry.Reference())
			}
		}
	}
	return found
}

// LeavesToOthers reports whether an object is left as it is where it exists and belongs to others, instead of being refused: a
// definition that a chart, or what a pack depends on, brings beside its manifest. Helm applies it only where there is none, so that
// several releases can use it. With TakeOwnership nothing is.
func (p Plan) LeavesToOthers(object manifest.Object) bool {
	if p.Options.TakeOwnership || !kinds.IsDefinition(object.GroupKind()) || !isBesideManifest(object) {
		return false
	}
	return p.Release.Content.Chart || strings.HasPrefix(object.File, "packs/")
}

// Course is that of the plan's operation.
func (p Plan) Course() Course { return CourseOf(p.Operation) }

// Course is what sets one operation apart from another: the phases around its work, and the phase that a revision has
// meanwhile and afterwards. Both are empty for an operation that leaves the revision in the phase that it is in.
type Course struct {
	Before, After hook.Phase
	Meanwhile     release.Phase
	Done          release.Phase
}

// CourseOf returns the course of an operation; an empty one where it is none.
func CourseOf(operation release.Operation) Course {
	switch operation {
	case release.OperationInstall:
		return Course{hook.PreInstall, hook.PostInstall, release.PendingInstall, release.Deployed}
	case release.OperationUpgrade:
		return Course{hook.PreUpgrade, hook.PostUpgrade, release.PendingUpgrade, release.Deployed}
	case release.OperationRollback:
		return Course{hook.PreRollback, hook.PostRollback, release.PendingRollback, release.Deployed}
	case release.OperationUninstall:
		return Course{hook.PreDelete, hook.PostDelete, release.Uninstalling, release.Uninstalled}
	case release.OperationTest:
		return Course{Before: hook.Test}
	case release.OperationAdopt:
		return Course{Meanwhile: release.PendingInstall, Done: release.Deployed}
	case release.OperationHandover:
		return Course{Meanwhile: release.Uninstalling, Done: release.Uninstalled}
	case release.OperationUndo:
	}
	return Course{}
}

// Next returns the operation that makes the next revision from a pack: install while none was deployed since the release
// was last uninstalled, whatever the command; then upgrade.
func Next(history release.History) release.Operation {
	if history.EverDeployed() {
		return release.OperationUpgrade
	}
	return release.OperationInstall
}

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
	// ExtentNone: at most hooks that come before the work were run.
	ExtentNone Extent = iota
	// ExtentEarly: what must be there before any hook runs, or before those that need it, was changed, too.
	ExtentEarly
	// ExtentAll: the work itself has begun.
	ExtentAll
)
