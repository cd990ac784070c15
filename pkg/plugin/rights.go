package plugin

import (
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

// rightsPage says which rights are needed, and for what.
const rightsPage = "https://github.com/sherpack-io/kubectl-sherpack/blob/main/docs/rbac.md"

// missingRight matches how the API server names a right that is missing; its answers have the verb nowhere else.
var missingRight = regexp.MustCompile(`cannot (\S+) (?:path "([^"]+)"|resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?)`)

// escalation is what the API server says when a Role, or a binding to one, would give what its author does not have.
const escalation = "attempting to grant RBAC permissions not currently held"

// adviceOnRights says how to get on where the cluster has forbidden something for the lack of a right; else nothing. What
// is forbidden for other reasons, such as a quota, says itself what to do.
func adviceOnRights(err error) string {
	var lacked []string
	for _, answer := range refusals(err) {
		if strings.Contains(answer, escalation) {
			return "A Role or a binding to it can be applied by who has all rights in it, or the verbs escalate and bind on roles: see " + rightsPage
		}
		for _, match := range missingRight.FindAllStringSubmatch(answer, -1) {
			if right := rightOf(match); !slices.Contains(lacked, right) {
				lacked = append(lacked, right)
			}
		}
	}
	switch {
	case len(lacked) == 0:
		return ""
	case lacked[0] == "create namespaces":
		return "If the namespace is there, leave out --create-namespace, else ask for the right to " + lacked[0] + ": see " + rightsPage
	case len(lacked) == 1:
		return "Ask for the right to " + lacked[0] + ": see " + rightsPage
	}
	return "Ask for the rights to " + strings.Join(lacked, ", ") + ": see " + rightsPage
}

// rightOf words what missingRight has found: patch deployments.apps in namespace web, or get /version.
func rightOf(match []string) string {
	verb, path, resource, group, namespace := match[1], match[2], match[3], match[4], match[5]
	right := verb + " " + path + schema.GroupResource{Group: group, Resource: resource}.String()
	if namespace != "" {
		right += " in namespace " + namespace
	}
	return printers.Clean(right)
}

// refusals are the API server's answers in the tree of an error that say that something is forbidden. The words of the tree
// itself are not looked at: the log of a hook may be among them, which has rights of its own.
func refusals(err error) []string {
	switch err := err.(type) { //nolint:errorlint // This is the walk through the tree.
	case apierrors.APIStatus:
		if err.Status().Reason == metav1.StatusReasonForbidden {
			return []string{err.Status().Message}
		}
	case interface{ Unwrap() error }:
		return refusals(err.Unwrap())
	case interface{ Unwrap() []error }:
		var all []string
		for _, one := range err.Unwrap() {
			all = append(all, refusals(one)...)
		}
		return all
	}
	return nil
}
