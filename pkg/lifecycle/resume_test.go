package lifecycle_test

import (
	"context"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

// What was interrupted and then taken back must not be gone on with: hooks would count as run whose work is gone.
func TestWhatWasTakenBackIsNotInterruptedAnyMore(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	ctx, cancel := context.WithCancel(t.Context())
	cluster.outcomes["shop-b"] = func(ctx context.Context) (kube.HookOutcome, error) {
		cancel()
		return kube.HookOutcome{}, ctx.Err()
	}
	failed := plan(t, hook("a", "pre-install", "")+object("v1", "ConfigMap", "app")+hook("b", "post-install", ""), lifecycle.Options{})
	if _, _, err := runIn(ctx, cluster, failed); err == nil || failed.Release.Status.Interrupted != string(lifecycle.Install) {
		t.Fatalf("error %v, interrupted %q", err, failed.Release.Status.Interrupted)
	}
	back, err := lifecycle.NewWayBack(failed, lifecycle.Request{})
	if err != nil {
		t.Fatal(err)
	}
	kept, _, err := run(t, cluster, back)
	if err != nil || kept.last.Status.Interrupted != "" {
		t.Errorf("error %v, interrupted %q", err, kept.last.Status.Interrupted)
	}
}
