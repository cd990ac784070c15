package kinds_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

func TestPods(t *testing.T) {
	t.Parallel()
	t.Run("they are described where their kind has them", podsAreDescribed)
}

func podsAreDescribed(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]struct{ template, spec []string }{
		"Pod":                     {nil, []string{"spec"}},
		"Job.batch":               {[]string{"spec", "template"}, []string{"spec", "template", "spec"}},
		"ReplicationController":   {[]string{"spec", "template"}, []string{"spec", "template", "spec"}},
		"ReplicaSet.apps":         {[]string{"spec", "template"}, []string{"spec", "template", "spec"}},
		"CronJob.batch":           {[]string{"spec", "jobTemplate", "spec", "template"}, []string{"spec", "jobTemplate", "spec", "template", "spec"}},
		"ConfigMap":               {},
		"Job.example.com":         {},
		"Deployment.example.com":  {},
		"ReplicationController.x": {},
	} {
		at := schema.ParseGroupKind(kind)
		if diff := cmp.Diff(want.template, kinds.PodTemplate(at)); diff != "" {
			t.Errorf("template of %s (-want +got):\n%s", kind, diff)
		}
		if diff := cmp.Diff(want.spec, kinds.PodSpec(at)); diff != "" {
			t.Errorf("specification of %s (-want +got):\n%s", kind, diff)
		}
	}
}

func TestCheckPath(t *testing.T) {
	t.Parallel()
	for _, fine := range [][2]string{{"", ""}, {"web", "a"}, {"", "system:node"}, {"web", "a..b"}} {
		if err := kinds.CheckPath(fine[0], fine[1]); err != nil {
			t.Errorf("%q: %v", fine, err)
		}
	}
	for _, other := range [][2]string{{"web", ".."}, {"web", "."}, {"web", "a/b"}, {"web", "a%2Fb"}, {"../..", "a"}} {
		if err := kinds.CheckPath(other[0], other[1]); err == nil {
			t.Errorf("%q: no error", other)
		}
	}
}
