package plugin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// runLength is how many characters identify one run of the program.
const runLength = 8

// target is a namespace of a cluster, with what commands need to work there.
type target struct {
	namespace string
	cluster   *kube.Cluster
	store     *storage.Secrets
	locks     *storage.Locks
	// guard stands before all that cluster and store write.
	guard *storage.Guard
	// held is the lock of the release that is worked on; nil while none is.
	held     *storage.Lock
	warnings warnings
	// incomplete is the newest revision of the release where its inventory cannot be read; else nil.
	incomplete *release.Release
	// coming is what a dry run does not make although the command would, before its plan.
	coming []corev1.ObjectReference
}

// guarded is a getter whose configuration has a guard before all that writes.
type guarded struct {
	genericclioptions.RESTClientGetter
	guard *storage.Guard
}

// ToRESTConfig implements genericclioptions.RESTClientGetter.
func (g guarded) ToRESTConfig() (*rest.Config, error) {
	given, err := g.RESTClientGetter.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	config := rest.CopyConfig(given)
	config.Wrap(g.guard.Wrap)
	return config, nil
}

// connect makes ready to talk to the cluster that the flags name; it sends nothing. Warnings go to the error stream. The caller
// closes the target.
func connect(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) (*target, error) {
	namespace, _, err := getter.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, configError{err}
	}
	if err := kinds.CheckPath(namespace, ""); err != nil {
		return nil, inputError{fmt.Errorf("the release %w", err)}
	}
	plain, err := getter.ToRESTConfig()
	if err != nil {
		return nil, configError{err}
	}
	run, guard := newRun(), &storage.Guard{}
	getter = guarded{getter, guard}
	config, err := getter.ToRESTConfig()
	if err != nil {
		return nil, configError{err}
	}
	store, err := storage.NewSecrets(config, run)
	if err != nil {
		return nil, configError{err}
	}
	locks, err := storage.NewLocks(plain, store)
	if err != nil {
		return nil, configError{err}
	}
	locks.Suspect = func(holder *storage.LockedError, watched time.Duration) {
		_, _ = fmt.Fprintf(streams.ErrOut, "waiting %s to be sure that %s, which holds the lock of release %s/%s, has ended\n",
			watched.Round(time.Second), holder.Holder, holder.Namespace, holder.Name)
	}
	cluster, err := kube.New(getter)
	if err != nil {
		return nil, configError{err}
	}
	return &target{namespace: namespace, cluster: cluster, store: store, locks: locks, guard: guard, warnings: warnings{out: streams.ErrOut}}, nil
}

// newRun returns what identifies a run of the program. Nobody can foresee it.
func newRun() string { return strings.ToLower(rand.Text()[:runLength]) }

// close ends all that the target keeps open.
func (t *target) close() { t.cluster.Close() }

// history returns the revisions of a release, of which there is at least one.
func (t *target) history(ctx context.Context, name string) (release.History, error) {
	history, err := t.store.History(ctx, t.namespace, name)
	if err != nil {
		return nil, err
	}
	t.warnOfGaps(history)
	if history.Newest() == nil {
		return nil, fmt.Errorf("release %q in namespace %q: %w", name, t.namespace, storage.ErrNotFound)
	}
	return history, nil
}

// content returns a revision of a release, 0 for the newest, whose content can be read.
func (t *target) content(ctx context.Context, name string, number int) (*release.Release, error) {
	found, _, err := t.look(ctx, name, number)
	if err != nil {
		return nil, err
	}
	if err := found.Record.Damage.Content; err != nil {
		return nil, damage(found, err)
	}
	return found, nil
}

// look returns a revision of a release, 0 for the newest, as far as it can be read, and the history it stands in. A newest
// revision that has gone while it was read is looked for again.
func (t *target) look(ctx context.Context, name string, number int) (*release.Release, release.History, error) {
	for {
		history, err := t.history(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		listed, err := revisionOf(history, number)
		if err != nil {
			return nil, nil, err
		}
		found, err := t.salvage(ctx, listed)
		if number != 0 || !errors.Is(err, storage.ErrNotFound) {
			return found, history, err
		}
	}
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

// complete adds to a request what its release was rendered to.
func (t *target) complete(request *plan.Request) (err error) {
	if request.Nodes, err = nodesOf(request.Release); err != nil {
		return err
	}
	request.Scopes, err = t.scopes(slices.Concat(request.Nodes, request.Left))
	return err
}

// nodesOf returns the resources that a revision was rendered to.
func nodesOf(r *release.Release) ([]*yaml.RNode, error) {
	if err := r.Record.Damage.Content; err != nil {
		return nil, damage(r, err)
	}
	nodes, err := manifest.DecodeStream([]byte(r.Content.Manifest))
	if err != nil {
		return nil, fmt.Errorf("reading the manifest of release %s/%s revision %d: %w", r.Namespace, r.Name, r.Spec.Revision, err)
	}
	return nodes, nil
}

// shown returns a release as it is printed.
func shown(r *release.Release, history release.History) *release.Release {
	deployed := 0
	if found := history.Deployed(); found != nil {
		deployed = found.Spec.Revision
	}
	return r.Shown(deployed)
}
