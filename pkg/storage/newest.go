package storage

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// newestHead is the head of a release's newest revision as this run knows it. A run that holds the release's lock has read it
// or written it last; where it finds another, it has lost the lock.
type newestHead struct {
	// revision is 0, and version empty, where there is no revision.
	revision int
	version  string
	// read tells that the head was read since the lock was taken.
	read bool
}

// newest is what this run knows of the newest revisions of the releases whose locks it has taken. It is safe for concurrent
// use.
type newest struct {
	client *client

	mu    sync.Mutex
	heads map[types.NamespacedName]newestHead
}

// expect has the next history of a release that is read say what this run knows of its newest head. It is called when the
// lock was taken; what was read before may be out of date.
func (n *newest) expect(namespace, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.heads[types.NamespacedName{Namespace: namespace, Name: name}] = newestHead{}
}

// noteRead notes the newest of the heads that were read, if that is what is expected.
func (n *newest) noteRead(namespace, name string, heads []metav1.PartialObjectMetadata) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := types.NamespacedName{Namespace: namespace, Name: name}
	if known, expected := n.heads[key]; expected && !known.read {
		n.heads[key] = newestOf(heads)
	}
}

// noteWritten notes a head that this run has written.
func (n *newest) noteWritten(r *release.Release) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := types.NamespacedName{Namespace: r.Namespace, Name: r.Name}
	if known, expected := n.heads[key]; expected && known.revision <= r.Spec.Revision {
		n.heads[key] = newestHead{revision: r.Spec.Revision, version: r.ResourceVersion, read: true}
	}
}

func newestOf(heads []metav1.PartialObjectMetadata) newestHead {
	newest := newestHead{read: true}
	for i := range heads {
		if name, revision := parseHeadName(heads[i].Name); name == heads[i].Labels[labelName] && revision > newest.revision {
			newest.revision, newest.version = revision, heads[i].ResourceVersion
		}
	}
	return newest
}

// comparison is what became of the newest head of a release.
type comparison struct {
	// same says that it is the one that this run knows, and removed that there is none any more.
	same, removed bool
	// record says otherwise who has written it; empty where nothing is known of that.
	record string
}

// compare reads the newest head of a release again.
func (n *newest) compare(ctx context.Context, namespace, name string) (comparison, error) {
	n.mu.Lock()
	known := n.heads[types.NamespacedName{Namespace: namespace, Name: name}]
	n.mu.Unlock()
	heads, err := n.client.list(ctx, namespace, headSelector().Add(nameRequirement(name)...))
	if err != nil {
		return comparison{}, err
	}
	switch found := newestOf(heads); {
	case !known.read:
		return comparison{}, nil
	case found == known:
		return comparison{same: true}, nil
	case found.revision == 0:
		return comparison{removed: true}, nil
	default:
		return n.compareWriter(ctx, namespace, name, found.revision)
	}
}

// compareWriter looks at who has written a head: it may be this run, which does not have the answer yet.
func (n *newest) compareWriter(ctx context.Context, namespace, name string, revision int) (comparison, error) {
	head, err := n.client.secrets.Secrets(namespace).Get(ctx, headName(name, revision), metav1.GetOptions{})
	if err != nil {
		return comparison{}, err
	}
	found := &release.Release{}
	if err := decodeStatus(head, found); err != nil {
		// It says that much.
		return comparison{record: fmt.Sprintf("revision %d was recorded", revision)}, nil //nolint:nilerr // It is not this run's.
	}
	record := fmt.Sprintf("revision %d is %s (%s)", revision, word(head.Labels[labelStatus]), word(string(found.Status.Operation)))
	return comparison{same: found.Status.Writer == n.client.run, record: record}, nil
}
