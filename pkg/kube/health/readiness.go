// Package health says whether an object is ready, has failed or has finished.
package health

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/kubectl/pkg/polymorphichelpers"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// State is what an object's state says of its readiness.
type State struct {
	// Ready, Skipped (reported, not waited for) and Failed (for good) exclude each other; with none of them it is not ready yet.
	Ready, Skipped, Failed bool
	// Late says of a failure that a time of the object's own was over.
	Late bool
	// Message says why.
	Message string
	// Class is the StorageClass of a claim that is ready already if volumes of that class wait for their first consumer; "" for
	// anything else.
	Class string
}

func notYet(parts ...string) State { return State{Message: words.Sentence(parts...)} }

func failedState(words string) State { return State{Failed: true, Message: words} }

func readyWith(message string) State { return State{Ready: true, Message: message} }

func skippedState(words string) State { return State{Skipped: true, Message: words} }

// Readiness reads an object's state: by ready and failed where they are given,
// else by its kind's own meaning.
func Readiness(object *unstructured.Unstructured, ready, failed Conditions) (State, error) {
	if object.GetDeletionTimestamp() != nil && len(ready) == 0 {
		return failedState("it is being deleted"), nil
	}
	if len(failed) > 0 {
		if verdict, err := failureOf(object, failed); err != nil || verdict.Done {
			return failedState(verdict.Message), err
		}
	}
	own, err := ownReadiness(object)
	if err != nil || own.Failed && len(failed) == 0 || len(ready) == 0 {
		return own, err
	}
	met, err := ready.Hold(object)
	switch {
	case err != nil:
		return State{}, fmt.Errorf("ready-when %w", err)
	case met:
		return readyWith(""), nil
	case isBehind(object):
		return notYet("waiting for its controller to observe the last change"), nil
	}
	return notYet("waiting for " + ready.String()), nil
}

func ownReadiness(object *unstructured.Unstructured) (State, error) {
	switch object.GroupVersionKind().GroupKind().String() {
	case kindDeployment, kindStatefulSet, kindDaemonSet:
		return rollout(object)
	case kindJob:
		return jobReadiness(object), nil
	case kindPod:
		return podReadiness(object), nil
	case kindClaim:
		return claimReadiness(object), nil
	case kindService:
		return serviceReadiness(object), nil
	}
	return statusReadiness(object)
}

// rollout is kubectl's rollout status.
func rollout(object *unstructured.Unstructured) (State, error) {
	switch {
	case field.IsTrue(object, "spec", "paused"):
		return skippedState("its rollout is paused"), nil
	case field.Text(object, "spec", "updateStrategy", "type") == "OnDelete":
		return skippedState("its Pods are updated only when they are deleted (OnDelete)"), nil
	case exceededBefore(object):
		return notYet("waiting for the spec update to make progress"), nil
	}
	viewer, err := polymorphichelpers.StatusViewerFor(object.GroupVersionKind().GroupKind())
	if err != nil {
		return State{}, err
	}
	message, done, err := viewer.Status(object, 0)
	message = strings.TrimSuffix(strings.TrimSpace(message), "...")
	switch {
	case err != nil && progressExceeded(object):
		return State{Failed: true, Late: true, Message: err.Error()}, nil
	case err != nil:
		return State{}, err
	case done:
		return readyWith(message), nil
	}
	return notYet(message), nil
}

func progressExceeded(deployment *unstructured.Unstructured) bool {
	condition, found := conditionOf(deployment, "Progressing")
	return found && condition.Reason == "ProgressDeadlineExceeded"
}

// exceededBefore tells that a Deployment says that it exceeded its progress
// deadline, but said so before it was last changed: its controller carries
// that on until it sees progress, also where a change back mends it.
func exceededBefore(deployment *unstructured.Unstructured) bool {
	condition, _ := conditionOf(deployment, "Progressing")
	said, err := time.Parse(time.RFC3339, condition.LastUpdateTime)
	if err != nil || !progressExceeded(deployment) {
		return false
	}
	for _, entry := range deployment.GetManagedFields() {
		if entry.Subresource == "" && entry.Time != nil && !said.After(entry.Time.Time) {
			return true
		}
	}
	return false
}

func jobReadiness(job *unstructured.Unstructured) State {
	if failed := ownFailure(job); failed.Done {
		return failedState(words.Sentence("the Job has failed", failed.Reason, failed.Message))
	}
	if _, yes := Holds(job, "Complete"); yes {
		return readyWith("")
	}
	if IsSuspended(job) {
		return notYet("the Job is suspended")
	}
	return notYet("the Job has not completed yet")
}

func podReadiness(pod *unstructured.Unstructured) State {
	phase := field.Text(pod, "status", "phase")
	if phase == "Failed" {
		return failedState(words.Sentence("the Pod has failed", field.Text(pod, "status", "reason"), field.Text(pod, "status", "message")))
	}
	if ready, yes := Holds(pod, "Ready"); !yes && phase != "Succeeded" {
		return notYet("the Pod is not ready", ready.Message)
	}
	return readyWith("")
}

func claimReadiness(claim *unstructured.Unstructured) State {
	switch field.Text(claim, "status", "phase") {
	case "Bound":
		return readyWith("")
	case "Lost":
		return failedState("the claim has lost its volume")
	}
	state := notYet("the claim is not bound")
	// Once a node is chosen there is a consumer.
	if claim.GetAnnotations()["volume.kubernetes.io/selected-node"] == "" {
		state.Class = field.Text(claim, "spec", "storageClassName")
	}
	return state
}

func serviceReadiness(service *unstructured.Unstructured) State {
	addresses, _, _ := unstructured.NestedSlice(service.Object, "status", "loadBalancer", "ingress")
	if field.Text(service, "spec", "type") == "LoadBalancer" && len(addresses) == 0 {
		return notYet("the load balancer has no address")
	}
	return readyWith("")
}

// statusReadiness goes by the conventions of conditions and generations.
func statusReadiness(object *unstructured.Unstructured) (State, error) {
	if ready, found := conditionOf(object, "Ready"); found && ready.stale {
		return notYet("waiting for its controller to observe the last change"), nil
	}
	result, err := status.Compute(withoutStale(object))
	if err != nil {
		return State{}, fmt.Errorf("read its status: %w", err)
	}
	switch result.Status {
	case status.CurrentStatus:
		return readyWith(result.Message), nil
	case status.FailedStatus:
		return failedState(result.Message), nil
	case status.NotFoundStatus:
		return State{}, errors.New("not found")
	}
	return notYet(result.Message), nil
}

// withoutStale returns the object without the conditions that speak of an earlier generation; itself where it has none.
func withoutStale(object *unstructured.Unstructured) *unstructured.Unstructured {
	raw, _, _ := unstructured.NestedFieldNoCopy(object.Object, "status", "conditions")
	list, _ := raw.([]any)
	fresh := slices.DeleteFunc(slices.Clone(list), func(entry any) bool {
		fields, _ := entry.(map[string]any)
		return isOlder(object, fields)
	})
	if len(fresh) == len(list) {
		return object
	}
	object = object.DeepCopy()
	_ = unstructured.SetNestedSlice(object.Object, fresh, "status", "conditions")
	return object
}
