package clustertest

import (
	"context"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

const (
	// rightsTimeout bounds the wait until rights are in force, and rightsEvery is
	// how often it is asked whether they are.
	rightsTimeout = 30 * time.Second
	rightsEvery   = 20 * time.Millisecond
)

// User makes a user of the name in the namespace, who has the rules there, and
// no other right than any user has. Whoever impersonates the returned name is
// that user; the rights are in force by then. The rules must not be empty.
func User(t testing.TB, namespace, name string, rules ...rbacv1.PolicyRule) string {
	t.Helper()
	client, err := kubernetes.NewForConfig(Config(t))
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	user := name + "-of-" + namespace
	object := metav1.ObjectMeta{Name: name, Namespace: namespace}
	role := &rbacv1.Role{ObjectMeta: object, Rules: rules}
	if _, err := client.RbacV1().Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatalf("create Role/%s: %v", name, err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: object, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	if _, err := client.RbacV1().RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatalf("create RoleBinding/%s: %v", name, err)
	}
	awaitRight(t, client, user, namespace, rules[0])
	return user
}

// awaitRight waits until the API server has learnt of a rule. It learns all
// rules of a role at once.
func awaitRight(t testing.TB, client kubernetes.Interface, user, namespace string, rule rbacv1.PolicyRule) {
	t.Helper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0], Resource: rule.Resources[0],
		},
	}}
	err := wait.PollUntilContextTimeout(t.Context(), rightsEvery, rightsTimeout, true, func(ctx context.Context) (bool, error) {
		answer, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		return err == nil && answer.Status.Allowed, err
	})
	if err != nil {
		t.Fatalf("wait for the rights of %s: %v", user, err)
	}
}
