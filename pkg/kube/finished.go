package kube

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// Finished reports whether a Job or a Pod has come to its end, in success or in failure. It is false for any other kind
// and for an empty object.
func Finished(object *unstructured.Unstructured) bool {
	switch kindName(object.GroupVersionKind()) {
	case kindJob, kindPod:
		return ownFailure(object).done || ownSuccess(object).done
	}
	return false
}
