package feed_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
)

// things are objects without a server. A verb that is refused is forbidden.
type things struct {
	refused []string
	stream  *watch.RaceFreeFakeWatcher

	mu   sync.Mutex
	live []unstructured.Unstructured
}

func newThings(live ...unstructured.Unstructured) *things {
	return &things{live: live, stream: watch.NewRaceFreeFake()}
}

func (*things) IsWatchListSemanticsUnSupported() bool { return true }

func (th *things) may(verb string) error {
	if slices.Contains(th.refused, verb) {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "things"}, "", errors.New("cannot "+verb))
	}
	return nil
}

func (th *things) Get(_ context.Context, name string, _ metav1.GetOptions, _ ...string) (*unstructured.Unstructured, error) {
	th.mu.Lock()
	defer th.mu.Unlock()
	for i := range th.live {
		if th.live[i].GetName() == name {
			return th.live[i].DeepCopy(), nil
		}
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "things"}, name)
}

func (th *things) List(context.Context, metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	th.mu.Lock()
	defer th.mu.Unlock()
	list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "ThingList"}, Items: slices.Clone(th.live)}
	list.SetResourceVersion("10")
	return list, th.may("list")
}

func (th *things) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	if err := th.may("watch"); err != nil {
		return nil, err
	}
	return th.stream, nil
}

func thing(name, uid, version string) unstructured.Unstructured {
	return unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Thing", "metadata": map[string]any{"name": name, "uid": uid, "resourceVersion": version},
	}}
}

// news reads as many changes as are wanted, as words.
func news(t *testing.T, box *feed.Inbox, count int) []string {
	t.Helper()
	var got []string
	for len(got) < count {
		for _, change := range box.Take() {
			text := "absent"
			if change.Object != nil {
				text = change.Object.GetName() + " " + string(change.Object.GetUID()) + " " + change.Object.GetResourceVersion()
			}
			if change.Gone {
				text += " gone"
			}
			got = append(got, text)
		}
		if len(got) >= count {
			break
		}
		select {
		case <-box.Ready:
		case <-time.After(10 * time.Second):
			t.Fatalf("nothing comes after %v", got)
		}
	}
	return got
}

func open(t *testing.T, from *things, options feed.Options) *feed.Feed {
	t.Helper()
	opened := feed.Open(t.Context(), from, options)
	t.Cleanup(opened.Close)
	return opened
}

func TestFeed(t *testing.T) {
	t.Parallel()
	t.Run("it tells of every change in order", feedTellsOfEveryChangeInOrder)
	t.Run("it tells that an expected object is absent", feedTellsThatAnExpectedObjectIsAbsent)
	t.Run("without rights to watch", feedWithoutRights)
	t.Run("Close ends the watch", closeEndsTheWatch)
}

func feedTellsOfEveryChangeInOrder(t *testing.T) {
	t.Parallel()
	from := newThings(thing("a", "1", "5"), thing("b", "2", "6"))
	followed := open(t, from, feed.Options{})
	if err := followed.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	box := feed.NewInbox()
	followed.Subscribe(&feed.Subscription{Inbox: box, Name: "a"})
	changed, other, replaced := thing("a", "1", "11"), thing("b", "2", "12"), thing("a", "3", "13")
	from.stream.Modify(&changed)
	from.stream.Modify(&other)
	from.stream.Modify(&replaced)
	from.stream.Delete(&replaced)
	want := []string{"a 1 5", "a 1 11", "a 1 11 gone", "a 3 13", "a 3 13 gone"}
	if diff := cmp.Diff(want, news(t, box, len(want))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if found := followed.Find("b"); found == nil || found.GetResourceVersion() != "12" || followed.Find("a") != nil {
		t.Errorf("b is %v, a is %v", found, followed.Find("a"))
	}
}

func feedTellsThatAnExpectedObjectIsAbsent(t *testing.T) {
	t.Parallel()
	followed := open(t, newThings(), feed.Options{})
	if err := followed.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	box := feed.NewInbox()
	mine := &feed.Subscription{Inbox: box, Name: "a", Tag: 7}
	followed.Subscribe(mine)
	followed.Expect(mine, "11")
	if early := box.Take(); early != nil {
		t.Errorf("it is said of version 10 that what is there as of 11 is absent: %v", early)
	}
	followed.Expect(mine, "10")
	changes := box.Take()
	if len(changes) != 1 || !changes[0].Gone || changes[0].Object != nil || changes[0].Tag != 7 {
		t.Errorf("%+v", changes)
	}
	followed.Unsubscribe(mine)
	followed.Expect(&feed.Subscription{Inbox: feed.NewInbox(), Name: "a"}, "10")
	if more := box.Take(); more != nil {
		t.Errorf("it is told after the end of its subscription of %v", more)
	}
}

func feedWithoutRights(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refused []string
		want    string
	}{
		"lists where it may not watch":          {refused: []string{"watch"}, want: "watch"},
		"reads by name where it may not either": {refused: []string{"watch", "list"}, want: "list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := newThings(thing("a", "1", "5"))
			from.refused = test.refused
			lacks := make(chan string, 100)
			followed := feed.Open(t.Context(), from, feed.Options{Lacks: func(_ error, verb string) { lacks <- verb }})
			box := feed.NewInbox()
			followed.Subscribe(&feed.Subscription{Inbox: box, Name: "a"})
			if diff := cmp.Diff([]string{"a 1 5"}, news(t, box, 1)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if err := followed.Sync(t.Context()); err != nil {
				t.Error(err)
			}
			if verb := <-lacks; verb != test.want {
				t.Errorf("the right to %s is said to be missing", verb)
			}
			followed.Close()
		})
	}
}

func closeEndsTheWatch(t *testing.T) {
	t.Parallel()
	from := newThings()
	ctx, cancel := context.WithCancel(t.Context())
	followed := feed.Open(ctx, from, feed.Options{})
	cancel()
	if err := followed.Sync(t.Context()); err != nil {
		t.Errorf("it ends with the context that it was opened with: %v", err)
	}
	followed.Close()
	followed.Close()
	if _, open := <-from.stream.ResultChan(); open {
		t.Error("the watch goes on")
	}
}
