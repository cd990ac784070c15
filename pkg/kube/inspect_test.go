package kube_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
)

func TestInspect(t *testing.T) {
	t.Parallel()
	t.Run("it tells how each object is", inspectTellsHowEachObjectIs)
	t.Run("what cannot be read is unknown, and the right is named once", inspectWithoutRights)
	t.Run("that one cannot be read says nothing of the others", inspectWithRightsToSome)
	t.Run("one that a selector does not find is asked for by name", inspectBeyondTheSelector)
}

// said are conditions and messages.
func said(found []kube.Inspected) []string {
	var all []string
	for _, seen := range found {
		all = append(all, strings.TrimSpace(string(seen.Condition)+" "+seen.Message))
	}
	return all
}

func target(b *bench, apiVersion, kind, name string) kube.WaitTarget {
	return kube.WaitTarget{Ref: b.ref(apiVersion, kind, name)}
}

const unschedulable = "{apiVersion: v1, kind: Pod, metadata: {name: NAME}, spec: {nodeSelector: {no: node}, containers: [{name: a, image: a}]}}"

func inspectTellsHowEachObjectIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(
		b.object("{apiVersion: v1, kind: ConfigMap, metadata: {name: one}}"),
		b.object("{apiVersion: v1, kind: ConfigMap, metadata: {name: two}, data: {phase: waiting}}"),
		b.object(strings.ReplaceAll(unschedulable, "NAME", "waits")),
		b.object("{apiVersion: v1, kind: Service, metadata: {name: public}, spec: {type: LoadBalancer, ports: [{port: 80}]}}"),
	)
	done, err := health.ParseConditions("jsonpath={.data.phase}=done")
	b.must(err)
	conditional, replaced := target(b, "v1", "ConfigMap", "two"), target(b, "v1", "ConfigMap", "one")
	conditional.Ready, replaced.Ref.UID = done, "1-2-3"
	found := b.Inspect(t.Context(), []kube.WaitTarget{
		target(b, "v1", "ConfigMap", "one"), conditional, target(b, "v1", "ConfigMap", "none"), replaced,
		target(b, "v1", "Pod", "waits"), target(b, "v1", "Service", "public"), target(b, "nothing.example/v1", "Nothing", "one"),
	}, "")
	want := []string{
		"Ready", "NotReady waiting for jsonpath={.data.phase}=done", "NotFound", "Replaced another object has taken its place",
		"NotReady the Pod is not ready", "NotReady the load balancer has no address", "NotFound",
	}
	got := said(found)
	if len(got) > 4 && strings.HasPrefix(got[4], want[4]) {
		// The scheduler says why when it has looked.
		got[4] = want[4]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if found[0].Created.IsZero() || found[4].Created.IsZero() {
		t.Error("it is not known since when they are there")
	}
}

func inspectWithoutRights(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"services"}, Verbs: []string{"get"}})
	found := b.Inspect(t.Context(), []kube.WaitTarget{
		target(b, "v1", "ConfigMap", "a"), target(b, "v1", "ConfigMap", "b"), target(b, "v1", "Pod", "a"), target(b, "v1", "Pod", "b"),
		target(b, "v1", "Service", "a"), target(b, "v1", "Service", "b"),
	}, "")
	const unknown = "Unknown no right to get it"
	if diff := cmp.Diff([]string{unknown, unknown, unknown, unknown, "NotFound", "NotFound"}, said(found)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	const get, list = ": whether it is ready is not known", ": falling back to get"
	b.missed("get configmaps"+get, "get pods"+get, "list configmaps"+list, "list pods"+list, "list services"+list)
}

func inspectWithRightsToSome(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ConfigMap", "Service"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := newLimitedBench(t, rbacv1.PolicyRule{
				APIGroups: []string{""}, Resources: []string{"configmaps", "services"}, Verbs: []string{"get"}, ResourceNames: []string{"one", "two"},
			})
			found := b.Inspect(t.Context(), []kube.WaitTarget{
				target(b, "v1", kind, "one"), target(b, "v1", kind, "secret"), target(b, "v1", kind, "two"), target(b, "v1", kind, "secret"),
			}, "")
			const unknown = "Unknown no right to get it"
			if diff := cmp.Diff([]string{"NotFound", unknown, "NotFound", unknown}, said(found)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func inspectBeyondTheSelector(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(
		b.object("{apiVersion: v1, kind: Service, metadata: {name: one, labels: {app: a}}, spec: {ports: [{port: 80}]}}"),
		b.object("{apiVersion: v1, kind: Service, metadata: {name: two}, spec: {ports: [{port: 80}]}}"),
	)
	b.requests.take()
	found := b.Inspect(t.Context(), []kube.WaitTarget{target(b, "v1", "Service", "one"), target(b, "v1", "Service", "two")}, "app=a")
	if diff := cmp.Diff([]string{"Ready", "Ready"}, said(found)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GET services", "GET services/*"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
