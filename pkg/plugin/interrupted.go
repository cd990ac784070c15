package plugin

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// readsAtOnce is how many releases are asked about at the same time.
const readsAtOnce = 16

// showInterrupted has revisions that say an operation is under way show that it was interrupted, where no command works on
// them any more. Who may not read the Lease sees what is recorded. A revision that was written meanwhile is replaced by what
// is there now.
func (t *target) showInterrupted(ctx context.Context, revisions release.History) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for i, revision := range revisions {
		if !revision.Status.Phase.Pending() {
			continue
		}
		group.Go(func() (err error) {
			revisions[i], err = t.asItIs(ctx, revision)
			return err
		})
	}
	return group.Wait()
}

// current returns a revision of a release, 0 for the newest, as it is to be shown, and the history it stands in.
func (t *target) current(ctx context.Context, name string, number int) (*release.Release, release.History, error) {
	for {
		found, history, err := t.look(ctx, name, number)
		if err != nil || !found.Status.Phase.Pending() {
			return found, history, err
		}
		shown, err := t.asItIs(ctx, found)
		if err != nil || sameRecord(shown, found) {
			return shown, history, err
		}
	}
}

// asItIs returns a pending revision as it is to be shown.
func (t *target) asItIs(ctx context.Context, pending *release.Release) (*release.Release, error) {
	abandoned, former, err := t.locks.Abandoned(ctx, pending.Namespace, pending.Name)
	if err != nil || !abandoned {
		if apierrors.IsForbidden(err) {
			err = nil
		}
		return pending, err
	}
	// A command that has just come to its end has recorded that before it gave its lock up.
	history, err := t.store.History(ctx, pending.Namespace, pending.Name)
	if err != nil {
		return nil, err
	}
	now := history.Revision(pending.Spec.Revision)
	switch {
	case now == nil:
		return pending, nil
	case !sameRecord(now, pending):
		return now, nil
	}
	lifecycle.ShowInterrupted(pending, describe(former))
	return pending, nil
}

// describe says for people who worked on a release until it was interrupted.
func describe(former *storage.Former) string {
	if former == nil {
		return "no command works on it any more"
	}
	return former.String() + seen(former, "ago")
}

// seen says when a holder was last seen, as far as that is known.
func seen(former *storage.Former, since string) string {
	if !former.Dated {
		return ""
	}
	return fmt.Sprintf(", last seen %s %s", former.Age.Round(time.Second), since)
}
