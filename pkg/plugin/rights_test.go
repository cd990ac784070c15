package plugin

import (
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestAdviceOnRights(t *testing.T) {
	t.Parallel()
	refuse := func(reason string) error {
		return fmt.Errorf("apply x: %w", apierrors.NewForbidden(schema.GroupResource{Resource: "x"}, "a", errors.New(reason)))
	}
	const (
		patch   = `User "ann" cannot patch resource "deployments" in API group "apps" in the namespace "web"`
		list    = `User "ann" cannot list resource "secrets" in API group "" in the namespace "web"`
		inLog   = `Error from server (Forbidden): pods is forbidden: User "job" cannot list resource "pods" in API group "" in the namespace "web"`
		seePage = ": see " + rightsPage
	)
	for title, test := range map[string]struct {
		err  error
		want string
	}{
		"one right":  {err: refuse(patch), want: "Ask for the right to patch deployments.apps in namespace web" + seePage},
		"two rights": {err: errors.Join(refuse(list), errors.New("x"), refuse(patch)), want: "Ask for the rights to list secrets in namespace web, patch deployments.apps in namespace web" + seePage},
		"the same right twice": {
			err: errors.Join(refuse(list), refuse(list)), want: "Ask for the right to list secrets in namespace web" + seePage,
		},
		"a right in all namespaces": {
			err:  refuse(`User "ann" cannot list resource "secrets" in API group "" at the cluster scope`),
			want: "Ask for the right to list secrets" + seePage,
		},
		"a path": {
			err: refuse(`User "ann" cannot get path "/version"`), want: "Ask for the right to get /version" + seePage,
		},
		"namespaces": {
			err:  refuse(`User "ann" cannot create resource "namespaces" in API group "" at the cluster scope`),
			want: "If the namespace is there, leave out --create-namespace, else ask for the right to create namespaces" + seePage,
		},
		"rights that cannot be given": {
			err:  refuse(`user "ann" (groups=["a"]) is attempting to grant RBAC permissions not currently held:` + "\n{APIGroups:[\"\"]}"),
			want: "A Role or a binding to it can be applied by who has all rights in it, or the verbs escalate and bind on roles" + seePage,
		},
		"a hook that may not be applied": {
			err: &lifecycle.HookError{Err: refuse(patch)}, want: "Ask for the right to patch deployments.apps in namespace web" + seePage,
		},
		"a hook that itself lacks a right": {err: &lifecycle.HookError{Hook: release.Hook{LogTail: inLog}}},
		"a quota":                          {err: refuse("exceeded quota: none, requested: count/pods=1")},
		"another answer of the server":     {err: apierrors.NewBadRequest(patch)},
		"an error that only sounds so":     {err: errors.New(patch)},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if got := advice(test.err); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
