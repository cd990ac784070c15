package lifecycle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestAHistoryIsSupersededAndBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fails bool
		want  []string
	}{
		"when one is deployed": {false, []string{"supersede 3", "supersede 4", "forget 1", "forget 2", "forget 3"}},
		// What is deployed is not forgotten.
		"when one fails": {true, []string{"forget 1", "forget 2", "forget 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var history release.History
			for i, phase := range []release.Phase{release.Failed, release.Superseded, release.Deployed, release.Deployed, release.Failed} {
				revision := release.New("shop", "web", i+1)
				revision.Status.Phase = phase
				history = append(history, revision)
			}
			cluster := newCluster()
			if test.fails {
				cluster.applyErr["app"] = errors.New("no")
			}
			kept, _, err := run(t, cluster, upgrade(t, plantest.Object("v1", "ConfigMap", "app"), nil, history))
			if (err != nil) != test.fails {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(kept.writes, func(write string) bool {
				return !strings.Contains(write, "supersede") && !strings.Contains(write, "forget")
			})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
