package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// selecting are manifests that select a Service by the label or not, with what it says then.
func selecting() map[string]struct{ other, want string } {
	return map[string]struct{ other, want string }{
		"a ServiceMonitor asks for it": {`
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web, app.kubernetes.io/managed-by: Helm}}
`, "Helm"},
		"a NetworkPolicy asks for it with an expression": {`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchExpressions: [{key: app.kubernetes.io/managed-by, operator: In, values: [Helm, Tiller]}]}
`, "Helm"},
		"another Service asks for it": {`
apiVersion: v1
kind: Service
metadata: {name: other}
spec:
  selector: {app.kubernetes.io/managed-by: Helm}
`, "Helm"},
		"it asks for it of others": {`
apiVersion: v1
kind: Service
metadata: {name: other}
spec:
  selector: {app: db, app.kubernetes.io/managed-by: Helm}
`, "sherpack"},
		"none asks for it": {`
apiVersion: v1
kind: Service
metadata: {name: other}
spec:
  selector: {app: web}
`, "sherpack"},
	}
}

// What a chart selects by the label that Helm sets keeps Helm's value; all else gets that of sherpack.
func TestMarksLeaveWhatASelectorAsksFor(t *testing.T) {
	t.Parallel()
	const service = `
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web, app.kubernetes.io/managed-by: Helm}}
spec:
  selector: {app: web}
`
	for title, test := range selecting() {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			request := plantest.Installation(t, service+"---"+test.other, plan.Options{})
			request.Scopes[schema.GroupKind{Kind: "Service"}] = true
			request.Scopes[schema.GroupKind{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}] = true
			request.Scopes[schema.GroupKind{Group: "networking.k8s.io", Kind: "NetworkPolicy"}] = true
			made := mustNew(t, request)
			service := applied(t, made, "Service", "web")
			if diff := cmp.Diff(test.want, service.GetLabels()[plan.LabelManagedBy]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", plan.LabelManagedBy, diff)
			}
			if !plan.IsMarked(service, made.Release) {
				t.Errorf("it is not marked as the release's: %v", service.GetLabels())
			}
		})
	}
}

// applied returns an object that a plan applies.
func applied(t *testing.T, planned plan.Plan, kind, name string) manifest.Object {
	t.Helper()
	for _, step := range planned.Steps {
		for _, object := range step.Objects {
			if object.GetName() == name && object.GetKind() == kind {
				return object
			}
		}
	}
	t.Fatalf("the plan does not apply %s/%s", kind, name)
	return manifest.Object{}
}
