package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestReferences(t *testing.T) {
	t.Parallel()
	t.Run("what an object is of no use without", whatAnObjectIsOfNoUseWithout)
	t.Run("of all that Pods need only those that end are asked", indispensableIsForJobsAndPods)
}

const workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: other}\nspec: {template: {spec: {serviceAccountName: sa, " +
	"imagePullSecrets: [{name: pull}], " +
	"initContainers: [{name: i, envFrom: [{secretRef: {name: init}}]}], " +
	"containers: [{name: c, envFrom: [{configMapRef: {name: env}}, {configMapRef: {name: may, optional: true}}], " +
	"env: [{name: E, valueFrom: {secretKeyRef: {name: key, key: k}}}, {name: F, valueFrom: {secretKeyRef: {name: may, key: k, optional: true}}}]}], " +
	"volumes: [{name: v, secret: {secretName: mounted}}, {name: w, persistentVolumeClaim: {claimName: claim}}, " +
	"{name: x, projected: {sources: [{configMap: {name: projected}}]}}]}}}\n"

func whatAnObjectIsOfNoUseWithout(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		text string
		want []string
	}{
		"the Pods of a Deployment": {workload, []string{
			"Secret/other/mounted", "PersistentVolumeClaim/other/claim", "ConfigMap/other/projected", "Secret/other/init", "Secret/other/key",
			"ConfigMap/other/env", "ServiceAccount/other/sa",
		}},
		"an Ingress": {
			"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec:\n  defaultBackend: {service: {name: d}}\n" +
				"  tls: [{secretName: t}]\n  rules: [{host: h}, {http: {paths: [{backend: {service: {name: e}}}, {backend: {resource: {kind: B, name: b}}}]}}]\n",
			[]string{"Service/d", "Service/e"},
		},
		"a binding to a Role":                {binding("RoleBinding", "b", "Role"), []string{"Role/b"}},
		"a binding to a ClusterRole":         {binding("RoleBinding", "b", "ClusterRole"), []string{"ClusterRole/b"}},
		"a ClusterRoleBinding":               {binding("ClusterRoleBinding", "b", "ClusterRole"), []string{"ClusterRole/b"}},
		"an object that refers to nothing":   {plantest.Object("v1", "ConfigMap", "a"), nil},
		"a Deployment without Pods":          {plantest.Object("apps/v1", "Deployment", "a"), nil},
		"an Ingress of somebody else":        {"apiVersion: example.com/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {defaultBackend: {service: {name: d}}}\n", nil},
		"an Ingress that the server refuses": {"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {rules: 5}\n", nil},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, key := range plan.References(objectOf(t, test.text)) {
				got = append(got, key.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
		})
	}
}

func objectOf(t *testing.T, text string) manifest.Object {
	t.Helper()
	object, err := manifest.NewObject(plantest.Nodes(t, text)[0])
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func indispensableIsForJobsAndPods(t *testing.T) {
	t.Parallel()
	if got := plan.Indispensable(objectOf(t, workload)); got != nil {
		t.Errorf("a Deployment: %v", got)
	}
	job := objectOf(t, plantest.PodHook("pre-install", "", ", envFrom: [{secretRef: {name: a}}]", ""))
	if got := plan.Indispensable(job); len(got) != 1 || got[0].String() != "Secret/a" {
		t.Errorf("a Job: %v", got)
	}
}
