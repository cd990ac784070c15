package kube

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// reasonFailedWhen is the reason of a hook that has failed by its failed-when.
const reasonFailedWhen = "FailedWhen"

// verdict is what the state of a hook says of its end.
type verdict struct {
	done, succeeded bool
	// reason and message say why it failed.
	reason, message string
}

func succeeded() verdict { return verdict{done: true, succeeded: true} }

func deleted(message string) verdict {
	return verdict{done: true, reason: "Deleted", message: message}
}

// judge reads a hook's last seen state: by ready and failed where they are
// given, else by its kind's own meaning. gone tells that it was removed since;
// a nil object was never seen and is gone.
func judge(object *unstructured.Unstructured, gone bool, ready, failed Conditions) (verdict, error) {
	if object == nil {
		return deleted("it was deleted before it finished"), nil
	}
	if gone && ready.metByDeletion() {
		return succeeded(), nil
	}
	for _, read := range []func(*unstructured.Unstructured) (verdict, error){failed.asFailure, ready.asSuccess} {
		if verdict, err := read(object); err != nil || verdict.done {
			return verdict, err
		}
	}
	switch {
	case gone:
		return deleted("it was deleted before it finished"), nil
	case kinds.IsJob(object.GroupVersionKind().GroupKind()) && object.GetDeletionTimestamp() != nil && len(ready) == 0 && !isForeign(object):
		// The Job controller leaves such a Job alone: it never finishes.
		return deleted("it is being deleted and has not finished"), nil
	}
	return verdict{}, nil
}

// asFailure reads failed-when, or how the kind itself says that it failed.
func (c Conditions) asFailure(object *unstructured.Unstructured) (verdict, error) {
	if len(c) == 0 {
		return ownFailure(object), nil
	}
	met, err := c.hold(object)
	if err != nil {
		return verdict{}, fmt.Errorf("failed-when %w", err)
	}
	if !met {
		return verdict{}, nil
	}
	found := verdict{done: true, reason: reasonFailedWhen, message: fmt.Sprintf("%s is met", c)}
	for _, condition := range c {
		if said, ok := conditionOf(object, condition.subject); ok && condition.verb == hasCondition {
			found.message = words.Sentence(found.message, said.Reason, said.Message)
		}
	}
	return found, nil
}

// asSuccess reads ready-when, or how the kind itself says that it succeeded.
func (c Conditions) asSuccess(object *unstructured.Unstructured) (verdict, error) {
	if len(c) == 0 {
		return ownSuccess(object), nil
	}
	met, err := c.hold(object)
	if err != nil {
		return verdict{}, fmt.Errorf("ready-when %w", err)
	}
	if met {
		return succeeded(), nil
	}
	return verdict{}, nil
}

func ownFailure(object *unstructured.Unstructured) verdict {
	switch object.GroupVersionKind().GroupKind().String() {
	case kindJob:
		// The verdict comes before the Pods have ended, and Failed after that.
		for _, kind := range []string{"Failed", "FailureTarget"} {
			if failed, yes := holds(object, kind); yes {
				return verdict{done: true, reason: failed.Reason, message: failed.Message}
			}
		}
	case kindPod:
		if field.Text(object, "status", "phase") == "Failed" {
			return verdict{done: true, reason: field.Text(object, "status", "reason"), message: field.Text(object, "status", "message")}
		}
	}
	return verdict{}
}

func ownSuccess(object *unstructured.Unstructured) verdict {
	switch object.GroupVersionKind().GroupKind().String() {
	case kindJob:
		for _, kind := range []string{"Complete", "SuccessCriteriaMet"} {
			if _, yes := holds(object, kind); yes {
				return succeeded()
			}
		}
	case kindPod:
		if field.Text(object, "status", "phase") == "Succeeded" {
			return succeeded()
		}
	}
	return verdict{}
}

// isSuspended reports whether a Job waits until somebody lets it go on. Another controller than Kubernetes' own may suspend it
// here and run it elsewhere.
func isSuspended(job *unstructured.Unstructured) bool {
	if isForeign(job) {
		_, yes := holds(job, "Suspended")
		return yes
	}
	return field.IsTrue(job, "spec", "suspend")
}

// isForeign reports whether a Job is the work of another controller than Kubernetes' own: it need not have Pods here, nor
// counts, and its deletion may mean something else. Only its conditions say how it goes.
func isForeign(job *unstructured.Unstructured) bool {
	manager := field.Text(job, "spec", "managedBy")
	return manager != "" && manager != batchv1.JobControllerName
}
