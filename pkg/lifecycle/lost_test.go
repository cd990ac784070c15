package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// losing is a Cluster whose hook, wave or wait loses the lock.
type losing struct {
	*cluster
	in   string
	lose func()
	// kept are the writes of the record up to then.
	store  *store
	writes []string
}

func (l *losing) happen(in string) {
	if l.in == in {
		l.writes = slices.Clone(l.store.writes)
		l.lose()
	}
}

func (l *losing) RunHook(ctx context.Context, run kube.HookRun, observe func(kube.HookProgress)) (kube.HookOutcome, error) {
	outcome, err := l.cluster.RunHook(ctx, run, observe)
	l.happen("hook")
	return outcome, errors.Join(err, ctx.Err())
}

func (l *losing) Wait(ctx context.Context, targets []kube.WaitTarget, selector string, observe func(kube.Readiness)) error {
	err := l.cluster.Wait(ctx, targets, selector, observe)
	l.happen("wait")
	return errors.Join(err, ctx.Err())
}

// When the lock is lost nothing more is done or recorded: no step, no deletion of a hook, no end of the operation.
func TestAfterALostLockNothingIsDone(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"hook": {"apply Job/shop-a"},
		"wait": {"apply Job/shop-a", "delete Job/shop-a Background", "apply ConfigMap/app", "wait ConfigMap/app sherpack.io/release=shop"},
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			kept := &store{}
			cluster := &losing{cluster: newCluster(), in: in, store: kept, lose: func() { cancel(lifecycle.ErrLockLost) }}
			text := plantest.Hook("a", "pre-install", policy("hook-succeeded,hook-failed")) + plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("b", "post-install", "")
			var last lifecycle.Event
			runner := lifecycle.Runner{Cluster: cluster, Store: kept, Now: time.Now, Observe: func(event lifecycle.Event) { last = event }}
			_, err := runner.Run(ctx, mustPlan(t, text, plan.Options{Wait: true}).Plan)
			if !errors.Is(err, lifecycle.ErrLockLost) || errors.Is(err, lifecycle.ErrInterrupted) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(want, cluster.log); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(cluster.writes, kept.writes); diff != "" {
				t.Errorf("recorded after the loss: %s", diff)
			}
			if last.Type != lifecycle.OperationFinished || last.Result != "Failed" {
				t.Errorf("the last event is %+v", last)
			}
		})
	}
}
