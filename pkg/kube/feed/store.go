package feed

import (
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/cache"
)

// store is what a feed knows, and whom it tells.
type store struct {
	// synced is closed once present is complete.
	synced chan struct{}

	mu          sync.Mutex
	present     map[string]*unstructured.Unstructured
	subscribers map[*Subscription]bool
	// completions counts the times that present became complete.
	completions int
	// version is how far the server's history is known; "" when it is not, because nothing came yet or objects are read one by
	// one.
	version string
	// trouble is why nothing comes at the moment; nil when all is well.
	trouble error
}

var _ cache.TransformingStore = (*store)(nil)

func newStore() *store {
	return &store{
		synced: make(chan struct{}), present: map[string]*unstructured.Unstructured{}, subscribers: map[*Subscription]bool{},
	}
}

// Subscribe starts with the present state, where there is one.
func (s *store) Subscribe(to *Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers[to] = true
	for name, object := range s.present {
		if to.Name == "" || to.Name == name {
			to.deliver(Change{Object: object})
		}
	}
	if s.version != "" {
		s.missing(to)
	}
}

// Expect says that the subscription's object is there as of the version.
func (s *store) Expect(to *Subscription, version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to.Expected, to.Since = true, version
	if s.version != "" {
		s.missing(to)
	}
}

// Unsubscribe ends a subscription.
func (s *store) Unsubscribe(to *Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.subscribers, to)
}

// Find returns the present object of that name; nil where there is none.
func (s *store) Find(name string) *unstructured.Unstructured {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.present[name]
}

// Add takes a new object from the reflector.
func (s *store) Add(object any) error { return s.Update(object) }

// Update takes a new or changed object from the reflector.
func (s *store) Update(object any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, ok := object.(*unstructured.Unstructured); ok {
		s.put(trimmed(found))
	}
	return nil
}

// Delete takes the last state of a deleted object from the reflector.
func (s *store) Delete(object any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if gone, ok := object.(*unstructured.Unstructured); ok {
		s.remove(trimmed(gone))
	}
	return nil
}

// Replace takes a complete state from the reflector.
func (s *store) Replace(items []any, version string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	complete := map[string]bool{}
	for _, item := range items {
		if found, ok := item.(*unstructured.Unstructured); ok {
			complete[found.GetName()] = true
			s.put(trimmed(found))
		}
	}
	for name, last := range s.present {
		if !complete[name] {
			s.remove(last)
		}
	}
	s.complete(version)
	return nil
}

// Resync does nothing: subscribers hear of changes only.
func (s *store) Resync() error { return nil }

// UpdateResourceVersion follows the server's history.
func (s *store) UpdateResourceVersion(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version = version
}

// Transformer spares the reflector's own copies what is not needed here.
func (s *store) Transformer() cache.TransformFunc {
	return func(object any) (any, error) {
		if found, ok := object.(*unstructured.Unstructured); ok {
			return trimmed(found), nil
		}
		return object, nil
	}
}

// Note remembers how a request went.
func (s *store) Note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = err
}

// Trouble says why nothing may have come lately; nil when all is well.
func (s *store) Trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}

// Completions counts the complete states there were.
func (s *store) Completions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.completions
}

// Wanted are the names that are subscribed to, and whether their objects should be there.
func (s *store) Wanted() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	expected := map[string]bool{}
	for subscription := range s.subscribers {
		if subscription.Name != "" {
			expected[subscription.Name] = expected[subscription.Name] || subscription.Expected
		}
	}
	return expected
}

// Lost notes that an object was not found by name.
func (s *store) Lost(name string, expected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.present[name]; last != nil {
		s.remove(last)
	} else if expected {
		s.tell(name, Change{Gone: true})
	}
}

// Known notes that all wanted objects were read by name, but for some trouble.
func (s *store) Known(trouble error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.completions++; s.completions == 1 {
		close(s.synced)
	}
	s.trouble = trouble
}

// trimmed drops the list of fields from each managedFields entry, the largest
// part of most objects, and keeps who wrote when.
func trimmed(object *unstructured.Unstructured) *unstructured.Unstructured {
	entries, _, _ := unstructured.NestedFieldNoCopy(object.Object, "metadata", "managedFields")
	list, _ := entries.([]any)
	for _, entry := range list {
		if fields, ok := entry.(map[string]any); ok {
			delete(fields, "fieldsV1")
		}
	}
	return object
}

// put remembers the object and tells the subscribers unless it is known.
func (s *store) put(object *unstructured.Unstructured) {
	last := s.present[object.GetName()]
	if last != nil && last.GetUID() != object.GetUID() {
		s.remove(last)
	}
	s.present[object.GetName()] = object
	if last == nil || last.GetResourceVersion() != object.GetResourceVersion() {
		s.tell(object.GetName(), Change{Object: object})
	}
}

func (s *store) remove(last *unstructured.Unstructured) {
	delete(s.present, last.GetName())
	s.tell(last.GetName(), Change{Object: last, Gone: true})
}

// complete marks present as complete at the version and tells the subscribers
// whose object should be there and is not.
func (s *store) complete(version string) {
	s.completions++
	s.version, s.trouble = version, nil
	if s.completions == 1 {
		close(s.synced)
	}
	for subscription := range s.subscribers {
		s.missing(subscription)
	}
}

func (s *store) missing(to *Subscription) {
	if to.Expected && s.present[to.Name] == nil && !Older(s.version, to.Since) {
		to.deliver(Change{Gone: true})
	}
}

func (s *store) tell(name string, news Change) {
	for subscription := range s.subscribers {
		if subscription.Name == "" || subscription.Name == name {
			subscription.deliver(news)
		}
	}
}
