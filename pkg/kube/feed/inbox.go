package feed

import (
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// Change is one piece of news of a feed.
type Change struct {
	// Tag is the subscription's.
	Tag int
	// Object is its present state, or its last where it is Gone. It is nil for an object that the feed never saw.
	Object *unstructured.Unstructured
	// Gone tells that the object is not there, or not any more.
	Gone bool
}

// IsOther reports whether the news is of another object than one of its name that was there before.
func (c Change) IsOther(before *unstructured.Unstructured) bool {
	return c.Object != nil && c.Object.GetUID() != before.GetUID()
}

// Inbox collects the news of any number of feeds, in order, for one reader.
type Inbox struct {
	// Ready has a value when there is something to take.
	Ready chan struct{}

	mu      sync.Mutex
	changes []Change
}

// NewInbox returns an empty inbox.
func NewInbox() *Inbox { return &Inbox{Ready: make(chan struct{}, 1)} }

func (b *Inbox) put(news Change) {
	b.mu.Lock()
	b.changes = append(b.changes, news)
	b.mu.Unlock()
	select {
	case b.Ready <- struct{}{}:
	default:
	}
}

// Take empties the inbox.
func (b *Inbox) Take() []Change {
	b.mu.Lock()
	defer b.mu.Unlock()
	changes := b.changes
	b.changes = nil
	return changes
}

// Subscription is what an inbox wants to hear of one feed.
type Subscription struct {
	// Inbox is where the news go.
	Inbox *Inbox
	// Tag is put on every change.
	Tag int
	// Name is the object's; "" means all objects of the feed.
	Name string
	// Expected says that the object is there as of the version Since, so that its absence is news.
	Expected bool
	Since    string
}

func (s *Subscription) deliver(news Change) {
	news.Tag = s.Tag
	s.Inbox.put(news)
}

// Older reports whether resourceVersion a is surely before b; versions that cannot be compared are not.
func Older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}
