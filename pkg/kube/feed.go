package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// pollEvery is how often a feed asks where it may not watch.
const pollEvery = 2 * time.Second

// notServed is how often in a row a kind must be unknown to the server before
// it has no objects: one of several servers may just be late to learn of it.
const notServed = 3

// source is what a feed follows: objects of one kind in one namespace, or the
// cluster's, narrowed by selectors.
type source struct {
	kind              schema.GroupVersionKind
	namespace         string
	labels, fieldTerm string
	// optional gives up where the source may not be watched.
	optional bool
}

// feed keeps the present state of a source and tells its subscribers of every
// change, in order. It costs one streaming request; reconnecting, expired
// versions and bookmarks are the reflector's work. Where watching is forbidden
// it lists, and where that is forbidden, too, it reads the subscribed objects
// by name, every two seconds; both are notices. Objects it hands out are shared: nobody changes
// them.
type feed struct {
	objects dynamic.ResourceInterface
	options metav1.ListOptions
	// optional is the source's.
	optional bool
	// lacks notes that the right to a verb is missing.
	lacks func(err error, verb, instead string)
	end   context.CancelFunc
	ended chan struct{}

	mu    sync.Mutex
	state state
}

// state is what a feed knows, guarded by its mutex.
type state struct {
	present     map[string]*unstructured.Unstructured
	subscribers map[*subscription]bool
	// synced is closed once present is complete.
	synced chan struct{}
	// completions counts the times that present became complete.
	completions int
	// version is how far the server's history is known; "" when it is not,
	// because nothing came yet or objects are read one by one.
	version string
	// trouble is why nothing comes at the moment; nil when all is well.
	trouble error
}

// openFeed starts to follow the source until close, whatever becomes of ctx.
func (c *Cluster) openFeed(ctx context.Context, from source) (*feed, error) {
	mapping, err := c.kinds.stored(from.kind)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(quiet(context.WithoutCancel(ctx)))
	f := &feed{
		objects:  c.objects(mapping, from.namespace),
		options:  metav1.ListOptions{LabelSelector: from.labels, FieldSelector: from.fieldTerm},
		optional: from.optional,
		lacks: func(err error, verb, instead string) {
			c.lacks(err, right{verb, mapping.Resource.GroupResource(), namespaceOf(mapping, from.namespace)}, instead)
		},
		end:   end,
		ended: make(chan struct{}),
		state: state{
			present:     map[string]*unstructured.Unstructured{},
			subscribers: map[*subscription]bool{},
			synced:      make(chan struct{}),
		},
	}
	go f.run(ctx)
	return f, nil
}

// close ends the feed and waits until its goroutine has ended.
func (f *feed) close() {
	f.end()
	<-f.ended
}

// sync waits until the feed's state is complete.
func (f *feed) sync(ctx context.Context) error {
	select {
	case <-f.state.synced:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *feed) run(ctx context.Context) {
	defer close(f.ended)
	logger := klog.FromContext(ctx)
	retries := newBackoff()
	reflector := cache.NewReflectorWithOptions(f.listWatch(), &unstructured.Unstructured{}, f,
		cache.ReflectorOptions{Logger: &logger, Backoff: &retries})
	backoff, unknown := newBackoff(), 0
	for ctx.Err() == nil {
		before := f.completions()
		err := reflector.ListAndWatchWithContext(ctx)
		if apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err) {
			if !f.optional {
				f.poll(ctx)
			}
			return
		}
		if unknown++; !apierrors.IsNotFound(err) {
			unknown = 0
		}
		if unknown >= notServed {
			_ = f.Replace(nil, "")
		}
		f.note(err)
		if f.completions() != before {
			backoff = newBackoff()
		}
		_ = pause(ctx, backoff.Step())
	}
}

func newBackoff() wait.Backoff {
	return wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 100, Cap: 5 * time.Second}
}

func (f *feed) listWatch() cache.ListerWatcher {
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
			f.note(err)
			f.lacks(err, "watch", f.insteadOfWatch())
			return stream, err
		},
	}, f.objects)
}

func (f *feed) selected(options metav1.ListOptions) metav1.ListOptions {
	options.LabelSelector, options.FieldSelector = f.options.LabelSelector, f.options.FieldSelector
	return options
}

func (f *feed) insteadOfWatch() string {
	if f.optional {
		return insteadOfEvents
	}
	return fmt.Sprintf("asking every %s instead", pollEvery)
}

// note remembers how a request went.
func (f *feed) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.trouble = err
}

// completions counts the complete states there were.
func (f *feed) completions() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.completions
}

// trouble says why nothing may have come lately; nil when all is well.
func (f *feed) trouble() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.trouble
}
