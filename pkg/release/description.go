package release

import (
	"cmp"
	"fmt"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// ShortMessage is the cause of why a revision is in its phase; the whole message where that is not known.
func (r *Release) ShortMessage() string { return cmp.Or(r.Status.Cause, r.Status.Message) }

// Description says in a few words what became of the revision: what the user said about it, else why it is in its phase,
// else what was done: "Install complete", "Rollback to 3". It needs no more than what lists show, and is empty where not
// even that is known.
func (r *Release) Description() string {
	switch {
	case r.Spec.Description != "":
		return r.Spec.Description
	case r.Status.Message != "":
		return r.ShortMessage()
	case r.Status.Operation == "":
		return ""
	}
	if r.Spec.FromHelm != 0 && r.Status.Operation == OperationAdopt && r.Status.Phase != Failed && !r.Status.Phase.Pending() {
		return fmt.Sprintf("Adopted from Helm revision %d", r.Spec.FromHelm)
	}
	operation := string(r.Status.Operation)
	done := words.Capital(operation)
	restored := r.Spec.FromRevision != 0 && r.Status.Operation != OperationUninstall
	if restored {
		done = fmt.Sprintf("Rollback to %d", r.Spec.FromRevision)
	}
	switch {
	case r.Status.Phase == Failed:
		return done + " failed"
	case r.Status.Phase.Pending():
		return done + " in progress"
	case restored:
		return done
	}
	return done + " complete"
}
