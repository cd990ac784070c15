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

// IsPending reports whether a command works on a release, or was killed while it did: what cannot be planned now may be
// possible then.
func (r records) IsPending(ctx context.Context, name string) bool {
	history, err := r.store.History(ctx, r.namespace, name)
	return err == nil && history.Newest() != nil && history.Newest().Status.Phase.Pending()
}

// CloseInterrupted records that the operation on a pending revision was interrupted, and returns the revision. The caller holds
// the lock of the release, which former had before; nil is not known.
func (r records) CloseInterrupted(ctx context.Context, pending *release.Release, former *storage.Former) (*release.Release, error) {
	whole, err := r.Salvage(ctx, pending)
	if err != nil {
		return nil, err
	}
	holder := "a command that was killed"
	if former != nil {
		holder = former.String() + seen(former, "before")
	}
	lifecycle.CloseInterrupted(whole, holder, time.Now())
	return whole, r.store.UpdateStatus(ctx, whole)
}

// readsAtOnce is how many releases are asked about at the same time.
const readsAtOnce = 16

// ShowInterrupted has revisions that say an operation is under way show that it was interrupted, where no command works on
// them any more. Who may not read the Lease sees what is recorded. A revision that was written meanwhile is replaced by what
// is there now.
func (r records) ShowInterrupted(ctx context.Context, revisions release.History) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for i, revision := range revisions {
		if !revision.Status.Phase.Pending() {
			continue
		}
		group.Go(func() (err error) {
			revisions[i], err = r.asItIs(ctx, revision)
			return err
		})
	}
	return group.Wait()
}

// Current returns a revision of a release, 0 for the newest, as it is to be shown, and the history it stands in.
func (r records) Current(ctx context.Context, name string, number int) (*release.Release, release.History, error) {
	for {
		found, history, err := r.Find(ctx, name, number)
		if err != nil || !found.Status.Phase.Pending() {
			return found, history, err
		}
		shown, err := r.asItIs(ctx, found)
		if err != nil || sameRecord(shown, found) {
			return shown, history, err
		}
	}
}

// asItIs returns a pending revision as it is to be shown.
func (r records) asItIs(ctx context.Context, pending *release.Release) (*release.Release, error) {
	abandoned, former, err := r.locks.Abandoned(ctx, pending.Namespace, pending.Name)
	if err != nil || !abandoned {
		if apierrors.IsForbidden(err) {
			err = nil
		}
		return pending, err
	}
	// A command that has just come to its end has recorded that before it gave its lock up.
	history, err := r.store.History(ctx, pending.Namespace, pending.Name)
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

// sameRecord reports whether nobody has written a revision between two looks at it.
func sameRecord(a, b *release.Release) bool {
	return a.UID == b.UID && a.ResourceVersion == b.ResourceVersion
}

// describe says for people who worked on a release until it was interrupted.
func describe(former *storage.Former) string {
	if former == nil {
		return "no command is working on it"
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
