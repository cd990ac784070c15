package lifecycle_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// What the cluster notices is a warning among the events, in order and numbered like all of them.
func TestNoticesAreWarnings(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.notices = []string{"no right to list", "no right to watch"}
	_, events, err := run(t, cluster, mustPlan(t, plantest.Object("v1", "ConfigMap", "app"), plan.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	type said struct {
		Seq     int
		Type    lifecycle.EventType
		Message string
	}
	var got []said
	for _, event := range events[:3] {
		got = append(got, said{event.Seq, event.Type, event.Message})
	}
	want := []said{{1, lifecycle.Warning, "no right to list"}, {2, lifecycle.Warning, "no right to watch"}, {3, lifecycle.OperationStarted, ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
