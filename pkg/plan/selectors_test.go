package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

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
	for title, test := range map[string]struct{ other, want string }{
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
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			request := plantest.Installation(t, service+"---"+test.other, plan.Options{})
			request.Scopes[schema.GroupKind{Kind: "Service"}] = true
			request.Scopes[schema.GroupKind{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}] = true
			request.Scopes[schema.GroupKind{Group: "networking.k8s.io", Kind: "NetworkPolicy"}] = true
			made := mustNew(t, request)
			for _, step := range made.Steps {
				for _, object := range step.Objects {
					if object.GetName() != "web" || object.GetKind() != "Service" {
						continue
					}
					if diff := cmp.Diff(test.want, object.GetLabels()[plan.LabelManagedBy]); diff != "" {
						t.Errorf("%s (-want +got):\n%s", plan.LabelManagedBy, diff)
					}
					if !plan.IsMarked(object, made.Release) {
						t.Errorf("it is not marked as the release's: %v", object.GetLabels())
					}
					return
				}
			}
			t.Fatal("the plan does not apply the Service")
		})
	}
}
