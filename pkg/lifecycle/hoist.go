package lifecycle

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

// hoist notes which objects a step changes because hooks need them.
func (x *execution) hoist(step plan.Step) {
	if !step.Hoisted {
		return
	}
	for _, object := range step.Objects {
		if !x.isUnchanged(object) {
			x.early = append(x.early, object.Reference())
		}
	}
}

// hoistedFor returns what was applied because the hooks of a phase need it.
func (x *execution) hoistedFor(phase hook.Phase) []corev1.ObjectReference {
	if phase != x.plan.Course().Before {
		return nil
	}
	return x.early
}
