package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// fewNames is how many names a message has of several.
const fewNames = 3

// records reads what is stored of the releases of a namespace, as far as it can be read, and warns of what cannot.
type records struct {
	namespace string
	store     *storage.Secrets
	locks     *storage.Locks
	warnings  *warnings
}

// Revisions returns the revisions of a release, oldest first; none where there is no such release.
func (r records) Revisions(ctx context.Context, name string) (release.History, error) {
	history, err := r.store.History(ctx, r.namespace, name)
	if err != nil {
		return nil, err
	}
	for _, revision := range history {
		if err := revision.Record.Damage.Head; err != nil {
			r.warnings.Warn("revision %d is skipped in the history of release %s: %v", revision.Spec.Revision, revision.Name, err)
		}
	}
	return history, nil
}

// History returns the revisions of a release, of which there is at least one. Where there is none, the error says what was probably
// meant.
func (r records) History(ctx context.Context, name string) (release.History, error) {
	history, err := r.Known(ctx, name)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("%w%s", err, r.meant(ctx, name))
	}
	return history, err
}

// Known is History for whom it is no error that there is no such release: nobody looks for another.
func (r records) Known(ctx context.Context, name string) (release.History, error) {
	history, err := r.Revisions(ctx, name)
	if err != nil {
		return nil, err
	}
	if history.Newest() == nil {
		return nil, fmt.Errorf("release %q in namespace %q: %w", name, r.namespace, storage.ErrNotFound)
	}
	return history, nil
}

// meant says, behind the name of a release that is not there, which was probably meant: the one of that name in another namespace, or
// the nearest name in this one. It is "" where nobody knows.
func (r records) meant(ctx context.Context, name string) string {
	// Who may not read all namespaces may read this one. What else is wrong has been said.
	releases, err := r.store.List(ctx, metav1.NamespaceAll, nil)
	if len(releases) == 0 && err != nil {
		releases, _ = r.store.List(ctx, r.namespace, nil)
	}
	var names, elsewhere []string
	for _, found := range releases {
		if found.Namespace == r.namespace {
			names = append(names, found.Name)
		} else if found.Name == name {
			elsewhere = append(elsewhere, found.Namespace)
		}
	}
	if len(elsewhere) > 0 {
		return fmt.Sprintf("; there is one in namespace %s: use --namespace", words.List(elsewhere, fewNames))
	}
	return words.Suggestion(name, names)
}

// adoptable says, behind what is said of a release that is not there, how it is taken over from Helm, where Helm has it; else "".
func (r records) adoptable(ctx context.Context, name string) string {
	// Who may not read that may have no release of Helm's.
	records, err := r.store.HelmRecords(ctx, r.namespace, name)
	if err != nil || len(listed(records)) == 0 {
		return ""
	}
	return fmt.Sprintf("; Helm has a release of that name: to take it over without changing what runs, use kubectl sherpack adopt %s --from-helm", name)
}

// Salvage returns what can be read of a revision of a history.
func (r records) Salvage(ctx context.Context, listed *release.Release) (*release.Release, error) {
	return r.store.Salvage(ctx, listed.Namespace, listed.Name, listed.Spec.Revision)
}

// Find returns a revision of a release, 0 for the newest, as far as it can be read, and the history it stands in. A newest
// revision that has gone while it was read is looked for again.
func (r records) Find(ctx context.Context, name string, number int) (*release.Release, release.History, error) {
	for {
		history, err := r.History(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		listed, err := revisionOf(history, number)
		if err != nil {
			return nil, nil, err
		}
		found, err := r.Salvage(ctx, listed)
		if number != 0 || !errors.Is(err, storage.ErrNotFound) {
			return found, history, err
		}
	}
}

// Content returns a revision of a release, 0 for the newest, whose content can be read.
func (r records) Content(ctx context.Context, name string, number int) (*release.Release, error) {
	found, _, err := r.Find(ctx, name, number)
	if err != nil {
		return nil, err
	}
	if err := found.Record.Damage.Content; err != nil {
		return nil, damage(found, err)
	}
	return found, nil
}

// revisionOf returns a revision of a release, 0 for the newest; the error lists those there are.
func revisionOf(history release.History, number int) (*release.Release, error) {
	if number == 0 {
		return history.Newest(), nil
	}
	if found := history.Revision(number); found != nil {
		return found, nil
	}
	newest := history.Newest()
	return nil, fmt.Errorf("release %q in namespace %q: revision %d: %w; revisions kept: %s",
		newest.Name, newest.Namespace, number, storage.ErrNotFound, kept(history))
}

// kept lists the revisions of a history: 3 (superseded), 4 (deployed).
func kept(history release.History) string {
	var words []string
	for _, revision := range history.Readable() {
		words = append(words, fmt.Sprintf("%d (%s)", revision.Spec.Revision, revision.Status.Phase))
	}
	return strings.Join(words, ", ")
}

// damage says what of a revision cannot be read.
func damage(r *release.Release, err error) error {
	return fmt.Errorf("release %s/%s revision %d: %w", r.Namespace, r.Name, r.Spec.Revision, err)
}

// state is the phase of a revision for people.
func state(r *release.Release) string {
	return cmp.Or(string(r.Status.Phase), "in a state that cannot be read")
}
