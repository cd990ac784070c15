package health

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// FailedWhen is the reason of a hook that has failed by its failed-when.
const FailedWhen = "FailedWhen"

// Deleted is the reason of a hook that was deleted before it finished.
const Deleted = "Deleted"

// Verdict is what the state of a hook says of its end.
type Verdict struct {
	// Done tells that the hook has ended, Succeeded that it did so well.
	Done, Succeeded bool
	// Reason and Message say why it failed; "" where it did not, or nobody says.
	Reason, Message string
}

func succeeded() Verdict { return Verdict{Done: true, Succeeded: true} }

func deleted(message string) Verdict {
	return Verdict{Done: true, Reason: Deleted, Message: message}
}

// Judge reads a hook's last seen state: by ready and failed where they are
// given, else by its kind's own meaning. gone tells that it was removed since;
// a nil object was never seen and is gone.
func Judge(object *unstructured.Unstructured, gone bool, ready, failed Conditions) (Verdict, error) {
	if object == nil {
		return deleted("it was deleted before it finished"), nil
	}
	if gone && ready.MetByDeletion() {
		return succeeded(), nil
	}
	if verdict, err := failureOf(object, failed); err != nil || verdict.Done {
		return verdict, err
	}
	if verdict, err := successOf(object, ready); err != nil || verdict.Done {
		return verdict, err
	}
	switch {
	case gone:
		return deleted("it was deleted before it finished"), nil
	case kinds.IsJob(object.GroupVersionKind().GroupKind()) && object.GetDeletionTimestamp() != nil && len(ready) == 0 && !IsForeign(object):
		// The Job controller leaves such a Job alone: it never finishes.
		return deleted("it is being deleted and has not finished"), nil
	}
	return Verdict{}, nil
}

// failureOf reads failed-when, or how the kind itself says that it failed.
func failureOf(object *unstructured.Unstructured, failed Conditions) (Verdict, error) {
	if len(failed) == 0 {
		return ownFailure(object), nil
	}
	met, err := failed.Hold(object)
	if err != nil {
		return Verdict{}, fmt.Errorf("failed-when %w", err)
	}
	if !met {
		return Verdict{}, nil
	}
	found := Verdict{Done: true, Reason: FailedWhen, Message: fmt.Sprintf("%s is met", failed)}
	for _, condition := range failed {
		if said, ok := conditionOf(object, condition.subject); ok && condition.verb == hasCondition {
			found.Message = words.Sentence(found.Message, said.Reason, said.Message)
		}
	}
	return found, nil
}

// successOf reads ready-when, or how the kind itself says that it succeeded.
func successOf(object *unstructured.Unstructured, ready Conditions) (Verdict, error) {
	if len(ready) == 0 {
		return ownSuccess(object), nil
	}
	met, err := ready.Hold(object)
	if err != nil {
		return Verdict{}, fmt.Errorf("ready-when %w", err)
	}
	if met {
		return succeeded(), nil
	}
	return Verdict{}, nil
}

func ownFailure(object *unstructured.Unstructured) Verdict {
	switch object.GroupVersionKind().GroupKind().String() {
	case kindJob:
		// The verdict comes before the Pods have ended, and Failed after that.
		for _, kind := range []string{"Failed", "FailureTarget"} {
			if failed, yes := Holds(object, kind); yes {
				return Verdict{Done: true, Reason: failed.Reason, Message: failed.Message}
			}
		}
	case kindPod:
		if field.Text(object, "status", "phase") == "Failed" {
			return Verdict{Done: true, Reason: field.Text(object, "status", "reason"), Message: field.Text(object, "status", "message")}
		}
	}
	return Verdict{}
}

func ownSuccess(object *unstructured.Unstructured) Verdict {
	switch object.GroupVersionKind().GroupKind().String() {
	case kindJob:
		for _, kind := range []string{"Complete", "SuccessCriteriaMet"} {
			if _, yes := Holds(object, kind); yes {
				return succeeded()
			}
		}
	case kindPod:
		if field.Text(object, "status", "phase") == "Succeeded" {
			return succeeded()
		}
	}
	return Verdict{}
}

// Finished reports whether a Job or a Pod has come to its end, in success or in failure. A Job whose verdict is known has not
// before its Pods have. It is false for any other kind and for an empty object.
func Finished(object *unstructured.Unstructured) bool {
	switch object.GroupVersionKind().GroupKind().String() {
	case kindJob:
		_, failed := Holds(object, "Failed")
		_, complete := Holds(object, "Complete")
		return failed || complete
	case kindPod:
		return ownFailure(object).Done || ownSuccess(object).Done
	}
	return false
}

// IsEnding reports whether a Job's verdict is known and only the end of its Pods is missing.
func IsEnding(object *unstructured.Unstructured) bool {
	return kinds.IsJob(object.GroupVersionKind().GroupKind()) && !Finished(object) && object.GetDeletionTimestamp() == nil &&
		(ownFailure(object).Done || ownSuccess(object).Done)
}

// IsSuspended reports whether a Job waits until somebody lets it go on. Another controller than Kubernetes' own may suspend it
// here and run it elsewhere.
func IsSuspended(job *unstructured.Unstructured) bool {
	if IsForeign(job) {
		_, yes := Holds(job, "Suspended")
		return yes
	}
	return field.IsTrue(job, "spec", "suspend")
}

// IsForeign reports whether a Job is the work of another controller than Kubernetes' own: it need not have Pods here, nor
// counts, and its deletion may mean something else. Only its conditions say how it goes.
func IsForeign(job *unstructured.Unstructured) bool {
	manager := field.Text(job, "spec", "managedBy")
	return manager != "" && manager != batchv1.JobControllerName
}
