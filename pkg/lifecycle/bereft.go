package lifecycle

import (
	"fmt"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

// bereft returns a problem for each hook whose Pods need something that the plan deletes before the hook runs, as an
// uninstallation does before post-delete. A dry-run does not tell, because all is there now, and the Pods would not start when
// everything else is gone.
func (x *execution) bereft() []error {
	var problems []error
	gone := map[kinds.Key]bool{}
	for _, step := range x.plan.Steps {
		for _, entry := range step.Entries {
			if _, there := x.deletable(entry); there && step.Verb == plan.Delete {
				gone[entry.Key()] = true
			}
		}
		for _, h := range step.Hooks {
			delete(gone, h.Object.Key())
			if !x.hasRun(h) {
				problems = append(problems, missed(h, gone)...)
			}
		}
	}
	return problems
}

// missed returns a problem for each object that a hook needs and that is gone by then.
func missed(h plan.Hook, gone map[kinds.Key]bool) []error {
	var problems []error
	for _, key := range plan.Indispensable(h.Object) {
		if gone[key] {
			problems = append(problems, &plan.InputError{Object: h.Object, Message: fmt.Sprintf("%s/%s is deleted before this %s hook runs and needs it; "+
				"make it a hook of that phase with a lower weight, or skip the phase", key.Kind, key.Name, h.Phase)})
		}
	}
	return problems
}
