// Package feed follows objects by watches that any number of readers share.
package feed

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// PollEvery is how often a feed asks where it may not watch.
const PollEvery = 2 * time.Second

// notServed is how often in a row a kind must be unknown to the server before it has no objects: one of several servers may
// just be late to learn of it.
const notServed = 3

// Objects is what a feed follows: those of one kind in one namespace, or of the whole cluster. A dynamic.ResourceInterface is
// that. The error is a NoMatch error where the server has no such kind.
type Objects interface {
	// Get returns one object.
	Get(ctx context.Context, name string, options metav1.GetOptions, subresources ...string) (*unstructured.Unstructured, error)
	// List returns the objects that the options select.
	List(ctx context.Context, options metav1.ListOptions) (*unstructured.UnstructuredList, error)
	// Watch reports changes from then on.
	Watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
}

// Options say which of the objects are followed, and how.
type Options struct {
	// Labels and fields are selectors; "" selects all.
	Labels, Fields string
	// Optional gives up where the objects may not be watched.
	Optional bool
	// Lacks is told of every request that was refused for want of the right to a verb, "watch" or "list"; nil tells nobody.
	Lacks func(err error, verb string)
}

// Feed keeps the present state of some objects and tells its subscribers of every change, in order. It costs one streaming
// request; reconnecting, expired versions and bookmarks are the reflector's work. Where watching is forbidden it lists, and
// where that is forbidden, too, it reads the subscribed objects by name, every two seconds. Objects it hands out are shared:
// nobody changes them.
type Feed struct {
	objects Objects
	options Options
	store   *store
	end     context.CancelFunc
	ended   chan struct{}
}

// Open starts to follow objects until Close, whatever becomes of ctx.
func Open(ctx context.Context, from Objects, options Options) *Feed {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	f := &Feed{objects: from, options: options, store: newStore(), end: end, ended: make(chan struct{})}
	go f.run(ctx)
	return f
}

// Close ends the feed and waits until its goroutine has ended.
func (f *Feed) Close() {
	f.end()
	<-f.ended
}

// Sync waits until the feed's state is complete.
func (f *Feed) Sync(ctx context.Context) error {
	select {
	case <-f.store.synced:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Trouble says why nothing may have come lately; nil when all is well.
func (f *Feed) Trouble() error { return f.store.Trouble() }

// Find returns the present object of that name, which must not be changed; nil where there is none.
func (f *Feed) Find(name string) *unstructured.Unstructured { return f.store.Find(name) }

// Subscribe starts with the present state, where there is one. The subscription belongs to the feed from now on.
func (f *Feed) Subscribe(to *Subscription) { f.store.Subscribe(to) }

// Expect says that the subscription's object is there as of the version.
func (f *Feed) Expect(to *Subscription, version string) { f.store.Expect(to, version) }

// Unsubscribe ends a subscription; one that there is not is fine.
func (f *Feed) Unsubscribe(to *Subscription) { f.store.Unsubscribe(to) }

func (f *Feed) run(ctx context.Context) {
	defer close(f.ended)
	logger := klog.FromContext(ctx)
	retries := newBackoff()
	reflector := cache.NewReflectorWithOptions(f.listWatch(), &unstructured.Unstructured{}, f.store,
		cache.ReflectorOptions{Logger: &logger, Backoff: &retries})
	backoff, unknown := newBackoff(), 0
	for ctx.Err() == nil {
		before := f.store.Completions()
		err := reflector.ListAndWatchWithContext(ctx)
		if apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err) {
			if !f.options.Optional {
				f.poll(ctx)
			}
			return
		}
		if unknown++; !apierrors.IsNotFound(err) && !meta.IsNoMatchError(err) {
			unknown = 0
		}
		if unknown >= notServed {
			_ = f.store.Replace(nil, "")
		}
		f.store.Note(err)
		if f.store.Completions() != before {
			backoff = newBackoff()
		}
		_ = patience.Pause(ctx, backoff.Step())
	}
}

func newBackoff() wait.Backoff {
	return wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 100, Cap: 5 * time.Second}
}

func (f *Feed) listWatch() cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			// A list out of an old cache could miss what was just applied.
			if options.ResourceVersion == "0" {
				options.ResourceVersion = ""
			}
			return f.objects.List(ctx, f.selected(options))
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			stream, err := f.objects.Watch(ctx, f.selected(options))
			f.store.Note(err)
			f.noteRefusal(err, "watch")
			return stream, err
		},
	}, f.objects)
}

func (f *Feed) selected(options metav1.ListOptions) metav1.ListOptions {
	options.LabelSelector, options.FieldSelector = f.options.Labels, f.options.Fields
	return options
}

func (f *Feed) noteRefusal(err error, verb string) {
	if f.options.Lacks != nil && apierrors.IsForbidden(err) {
		f.options.Lacks(err, verb)
	}
}

// poll follows the source without a watch.
func (f *Feed) poll(ctx context.Context) {
	_ = wait.PollUntilContextCancel(ctx, PollEvery, true, func(ctx context.Context) (bool, error) {
		list, err := f.objects.List(ctx, f.selected(metav1.ListOptions{}))
		switch {
		case apierrors.IsForbidden(err):
			f.noteRefusal(err, "list")
			f.readByName(ctx)
		case err != nil:
			f.store.Note(err)
		default:
			_ = f.store.Replace(itemsOf(list), list.GetResourceVersion())
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
func (f *Feed) readByName(ctx context.Context) {
	var trouble error
	for name, expected := range f.store.Wanted() {
		object, err := f.objects.Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil:
			_ = f.store.Update(object)
		case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
			f.store.Lost(name, expected)
		default:
			trouble = err
		}
	}
	f.store.Known(trouble)
}
