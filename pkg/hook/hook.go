// Package hook knows what a hook is: a resource that runs at a phase of a release's lifecycle instead of being part
// of the application. It reads the annotations that say so, and holds the kyaml filters that take the hooks out of a
// manifest and put them in the order in which they run.
package hook

import (
	"slices"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Phase is a point of a release's lifecycle at which hooks run.
type Phase string

// The phases, in the order in which the documentation lists them.
const (
	PreInstall   Phase = "pre-install"
	PostInstall  Phase = "post-install"
	PreUpgrade   Phase = "pre-upgrade"
	PostUpgrade  Phase = "post-upgrade"
	PreRollback  Phase = "pre-rollback"
	PostRollback Phase = "post-rollback"
	PreDelete    Phase = "pre-delete"
	PostDelete   Phase = "post-delete"
	Test         Phase = "test"
)

// Phases returns all phases.
func Phases() []Phase {
	return []Phase{
		PreInstall, PostInstall, PreUpgrade, PostUpgrade, PreRollback, PostRollback, PreDelete, PostDelete, Test,
	}
}

// DeletePolicy says when the object of a hook is deleted.
type DeletePolicy string

// The delete policies.
const (
	// HookSucceeded deletes the object after the phase, when the hook succeeded.
	HookSucceeded DeletePolicy = "hook-succeeded"
	// HookFailed deletes the object after the phase, when the hook failed.
	HookFailed DeletePolicy = "hook-failed"
	// BeforeHookCreation deletes what an earlier run left before the hook is created.
	BeforeHookCreation DeletePolicy = "before-hook-creation"
)

// DeletePolicies returns all delete policies.
func DeletePolicies() []DeletePolicy {
	return []DeletePolicy{HookSucceeded, HookFailed, BeforeHookCreation}
}

// Hook is one hook of a manifest, with its annotations read.
type Hook struct {
	// Node is the resource; its own.
	Node *yaml.RNode
	// Phases are those it runs at, each once, in the order given; at least one.
	Phases []Phase
	// Weight orders the hooks of a phase, ascending; 0 where none is given.
	Weight int
	// Policies are the delete policies in force: those given, or the kind's default; may be empty.
	Policies []DeletePolicy
	// Timeout bounds this hook alone; 0 means that only the operation's own limit holds.
	Timeout time.Duration
	// Needs are the resources that its annotation names, each once, in the order given; nil where it names none.
	Needs []Need
	// Logs says when its log is printed although nobody asks for that; nil leaves it to who runs it.
	Logs []LogPolicy
	// NeedsNothing says that nothing is to be there before it, not even what its Pod refers to.
	NeedsNothing bool
}

// In reports whether the hook runs at a phase.
func (h Hook) In(phase Phase) bool { return slices.Contains(h.Phases, phase) }

// Has reports whether a delete policy is in force.
func (h Hook) Has(policy DeletePolicy) bool { return slices.Contains(h.Policies, policy) }

// LogPolicy says when the log of a hook is printed.
type LogPolicy string

// The log policies, which are Helm's.
const (
	LogSucceeded LogPolicy = "hook-succeeded"
	LogFailed    LogPolicy = "hook-failed"
)

// LogPolicies returns all log policies.
func LogPolicies() []LogPolicy { return []LogPolicy{LogSucceeded, LogFailed} }
