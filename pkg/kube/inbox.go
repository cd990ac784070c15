package kube

import (
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// change is one piece of news of a feed.
type change struct {
	// tag is the subscription's.
	tag int
	// object is its present state, or its last with gone. It is nil for an
	// object that the feed never saw.
	object *unstructured.Unstructured
	gone   bool
}

// isOther reports whether the news is of another object than one of its name that was there before.
func (c change) isOther(before *unstructured.Unstructured) bool {
	return c.object != nil && c.object.GetUID() != before.GetUID()
}

// inbox collects the news of any number of feeds, in order, for one reader.
type inbox struct {
	// ready has a value when there is something to take.
	ready chan struct{}

	mu      sync.Mutex
	changes []change
}

func newInbox() *inbox { return &inbox{ready: make(chan struct{}, 1)} }

func (b *inbox) put(news change) {
	b.mu.Lock()
	b.changes = append(b.changes, news)
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take empties the inbox.
func (b *inbox) take() []change {
	b.mu.Lock()
	defer b.mu.Unlock()
	changes := b.changes
	b.changes = nil
	return changes
}

// subscription is what an inbox wants to hear of one feed.
type subscription struct {
	box *inbox
	// tag is put on every change.
	tag int
	// name is the object's; "" means all objects of the feed.
	name string
	// expected says that the object is there as of the version since, so that
	// its absence is news.
	expected bool
	since    string
}

func (s *subscription) deliver(news change) {
	news.tag = s.tag
	s.box.put(news)
}

// subscribe starts with the present state, where there is one.
func (f *feed) subscribe(to *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.subscribers[to] = true
	for name, object := range f.state.present {
		if to.name == "" || to.name == name {
			to.deliver(change{object: object})
		}
	}
	if f.state.version != "" {
		f.state.missing(to)
	}
}

// expect says that the subscription's object is there as of the version.
func (f *feed) expect(to *subscription, version string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	to.expected, to.since = true, version
	if f.state.version != "" {
		f.state.missing(to)
	}
}

func (f *feed) unsubscribe(to *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.state.subscribers, to)
}
