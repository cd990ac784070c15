package lifecycle_test

import (
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

func TestThePolicyToKeepIsReadAsHelmReadsIt(t *testing.T) {
	t.Parallel()
	for annotation, want := range map[string]bool{
		`sherpack.io/resource-policy: keep`:                               true,
		`helm.sh/resource-policy: keep`:                                   true,
		`helm.sh/resource-policy: "Keep"`:                                 true,
		`helm.sh/resource-policy: " KEEP "`:                               true,
		`helm.sh/resource-policy: delete`:                                 false,
		`team: keep`:                                                      false,
		`{helm.sh/resource-policy: x, sherpack.io/resource-policy: keep}`: true,
	} {
		planned := mustPlan(t, "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: data\n  annotations:\n    "+annotation+"\n", plan.Options{})
		if got := planned.Release.Inventory[0].Keep; got != want {
			t.Errorf("%s: kept is %t", annotation, got)
		}
	}
}
