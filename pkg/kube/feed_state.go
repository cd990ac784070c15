package kube

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
)

var _ cache.TransformingStore = (*feed)(nil)

// Add takes a new object from the reflector.
func (f *feed) Add(object any) error { return f.Update(object) }

// Update takes a new or changed object from the reflector.
func (f *feed) Update(object any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if found, ok := object.(*unstructured.Unstructured); ok {
		f.state.put(trimmed(found))
	}
	return nil
}

// Delete takes the last state of a deleted object from the reflector.
func (f *feed) Delete(object any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if gone, ok := object.(*unstructured.Unstructured); ok {
		f.state.remove(trimmed(gone))
	}
	return nil
}

// Replace takes a complete state from the reflector.
func (f *feed) Replace(items []any, version string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	complete := map[string]bool{}
	for _, item := range items {
		if found, ok := item.(*unstructured.Unstructured); ok {
			complete[found.GetName()] = true
			f.state.put(trimmed(found))
		}
	}
	for name, last := range f.state.present {
		if !complete[name] {
			f.state.remove(last)
		}
	}
	f.state.complete(version)
	return nil
}

// Resync does nothing: subscribers hear of changes only.
func (f *feed) Resync() error { return nil }

// UpdateResourceVersion follows the server's history.
func (f *feed) UpdateResourceVersion(version string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.version = version
}

// Transformer spares the reflector's own copies what is not needed here.
func (f *feed) Transformer() cache.TransformFunc {
	return func(object any) (any, error) {
		if found, ok := object.(*unstructured.Unstructured); ok {
			return trimmed(found), nil
		}
		return object, nil
	}
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
func (s *state) put(object *unstructured.Unstructured) {
	last := s.present[object.GetName()]
	if last != nil && last.GetUID() != object.GetUID() {
		s.remove(last)
	}
	s.present[object.GetName()] = object
	if last == nil || last.GetResourceVersion() != object.GetResourceVersion() {
		s.tell(object.GetName(), change{object: object})
	}
}

func (s *state) remove(last *unstructured.Unstructured) {
	delete(s.present, last.GetName())
	s.tell(last.GetName(), change{object: last, gone: true})
}

// complete marks present as complete at the version and tells the subscribers
// whose object should be there and is not.
func (s *state) complete(version string) {
	s.completions++
	s.version, s.trouble = version, nil
	if s.completions == 1 {
		close(s.synced)
	}
	for subscription := range s.subscribers {
		s.missing(subscription)
	}
}

func (s *state) missing(to *subscription) {
	if to.expected && s.present[to.name] == nil && !older(s.version, to.since) {
		to.deliver(change{gone: true})
	}
}

func (s *state) tell(name string, news change) {
	for subscription := range s.subscribers {
		if subscription.name == "" || subscription.name == name {
			subscription.deliver(news)
		}
	}
}

// older reports whether version a is surely before b.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}

// poll follows the source without a watch.
func (f *feed) poll(ctx context.Context) {
	_ = wait.PollUntilContextCancel(ctx, pollEvery, true, func(ctx context.Context) (bool, error) {
		list, err := f.objects.List(ctx, f.options)
		switch {
		case apierrors.IsForbidden(err):
			f.lacks(err, "list", insteadOfList)
			f.readByName(ctx)
		case err != nil:
			f.note(err)
		default:
			_ = f.Replace(itemsOf(list), list.GetResourceVersion())
		}
		return false, nil
	})
}

func itemsOf(list *unstructured.UnstructuredList) []any {
	items := make([]any, len(list.Items))
	for i := range list.Items {
		items[i] = &list.Items[i]
	}
	return items
}

// readByName reads the objects that are subscribed to by name.
func (f *feed) readByName(ctx context.Context) {
	f.mu.Lock()
	expected := map[string]bool{}
	for subscription := range f.state.subscribers {
		if subscription.name != "" {
			expected[subscription.name] = expected[subscription.name] || subscription.expected
		}
	}
	f.mu.Unlock()
	var trouble error
	for name, expected := range expected {
		object, err := f.objects.Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil:
			_ = f.Update(object)
		case apierrors.IsNotFound(err):
			f.lost(name, expected)
		default:
			trouble = err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.completions++; f.state.completions == 1 {
		close(f.state.synced)
	}
	f.state.trouble = trouble
}

// lost notes that an object was not found by name.
func (f *feed) lost(name string, expected bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if last := f.state.present[name]; last != nil {
		f.state.remove(last)
	} else if expected {
		f.state.tell(name, change{gone: true})
	}
}
