package lifecycle_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// slowStore records a revision for as long as it may.
type slowStore struct {
	store
	// begun is called when a revision is to be recorded, and limit is the time there is for that; 0 is any.
	begun func()
	limit time.Duration
}

func (s *slowStore) Create(ctx context.Context, _ *release.Release) error {
	if until, limited := ctx.Deadline(); limited {
		s.limit = time.Until(until)
	}
	s.begun()
	<-ctx.Done()
	return ctx.Err()
}

// A record may be large and the line slow: writing it takes what time the operation has, and ends when that is interrupted.
// Then nothing has been done.
func TestARecordMayTakeAsLongAsTheWork(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ timeout, least, most time.Duration }{
		"with a time limit":    {time.Hour, 50 * time.Minute, time.Hour},
		"without a time limit": {0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			ctx, interrupt := context.WithCancel(t.Context())
			kept := &slowStore{begun: interrupt}
			runner := lifecycle.Runner{Cluster: cluster, Store: kept, Now: time.Now}
			_, err := runner.Run(ctx, mustPlan(t, plantest.Object("v1", "ConfigMap", "app"), plan.Options{Timeout: test.timeout}).Plan)
			if !errors.Is(err, lifecycle.ErrInterrupted) {
				t.Errorf("not interrupted: %v", err)
			}
			if kept.limit < test.least || kept.limit > test.most {
				t.Errorf("there are %s to record the revision", kept.limit)
			}
			if len(kept.writes)+len(cluster.log) > 0 {
				t.Errorf("there was done %v %v", kept.writes, cluster.log)
			}
		})
	}
}
