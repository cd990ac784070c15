package lint_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMissingReferences(t *testing.T) {
	t.Parallel()
	t.Run("what is provided, and what is not", whatIsProvidedAndWhatIsNot)
}

// using is a Deployment whose Pods read a Secret.
const using = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      serviceAccountName: default\n" +
	"      containers:\n      - name: c\n        envFrom:\n        - secretRef:\n            name: db\n---\n"

const missed = "templates/a.yaml:12: warning: Deployment/a: refers to Secret/db, which is not in the pack (missing-reference)"

func whatIsProvidedAndWhatIsNot(t *testing.T) {
	t.Parallel()
	role := func(kind, name string) string {
		return object("rbac.authorization.k8s.io/v1", "RoleBinding", "a", "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: "+kind+", name: \""+name+"\"}\n")
	}
	for title, test := range map[string]struct {
		text string
		want []string
	}{
		"nothing provides it":              {using, []string{missed}},
		"the pack does":                    {using + object("v1", "Secret", "db", ""), nil},
		"the pack does, in the namespace":  {using + object("v1", "Secret", "db", "  namespace: default\n"), nil},
		"the pack does in another":         {using + object("v1", "Secret", "db", "  namespace: other\n"), []string{missed}},
		"a hook does":                      {using + object("v1", "Secret", "db", "  annotations: {sherpack.io/hook: pre-install}\n"), nil},
		"something else is called so":      {using + object("v1", "ConfigMap", "db", ""), []string{missed}},
		"a custom resource makes it":       {using + object("cert-manager.io/v1", "Certificate", "a", "spec: {secretName: db}\n"), nil},
		"a custom resource has such a key": {using + object("example.com/v1", "Thing", "a", "spec: {db: 1}\n"), []string{missed}},
		"a ClusterRole of every cluster":   {role("ClusterRole", "view") + "", nil},
		"a ClusterRole of the system":      {role("ClusterRole", "system:auth-delegator"), nil},
		"a ClusterRole of the pack":        {role("ClusterRole", "a") + object("rbac.authorization.k8s.io/v1", "ClusterRole", "a", ""), nil},
		"a Role that is called as a ClusterRole of every cluster": {
			role("Role", "view"), []string{"templates/a.yaml:5: warning: RoleBinding/a: refers to Role/view, which is not in the pack (missing-reference)"},
		},
		"an Ingress": {
			object("networking.k8s.io/v1", "Ingress", "a", "spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n"),
			[]string{"templates/a.yaml:5: warning: Ingress/a: refers to Service/web, which is not in the pack (missing-reference)"},
		},
		"the certificates of the cluster": {
			object("v1", "Pod", "a", "spec: {restartPolicy: Never, volumes: [{name: v, configMap: {name: kube-root-ca.crt}}]}\n"), nil,
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, files{"templates/a.yaml": test.text}.findings(t, nil)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
