package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// newStoreThrough returns a store whose requests go through a proxy.
func newStoreThrough(t *testing.T, between *proxy.Proxy, run string) *storage.Secrets {
	t.Helper()
	store, err := storage.NewSecrets(between.Config(), run)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// trouble is a network that loses the requests that lost picks, before or after the server has acted.
type trouble struct {
	lost func(method, name string) bool
	// acted says that the server carries a lost request out: only the answer is lost.
	acted bool
	// after is called between the server's act and the loss of the answer; nil does nothing.
	after func()
	// refused says that the client gets an answer all the same, which forbids what it asks for.
	refused bool

	mu sync.Mutex
	// seen are all requests that write, as "METHOD name", in order.
	seen []string
}

func (n *trouble) intercept(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
	name, err := nameOf(request)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.seen = append(n.seen, request.Method+" "+name)
	n.mu.Unlock()
	if !n.lost(request.Method, name) {
		return upstream.RoundTrip(request)
	}
	if n.acted {
		answer, err := upstream.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		_ = answer.Body.Close()
	}
	if n.after != nil {
		n.after()
	}
	if n.refused {
		return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody, Request: request}, nil
	}
	return nil, proxy.ErrCut
}

// nameOf returns the name of the Secret that a request is about; what is created has it in the body.
func nameOf(request *http.Request) (string, error) {
	if request.Method != http.MethodPost {
		return path.Base(request.URL.Path), nil
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return "", err
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		return "", err
	}
	named, err := meta.Accessor(object)
	if err != nil {
		return "", err
	}
	return named.GetName(), nil
}

// once picks the first request of a method for a name.
func once(method, name string) func(string, string) bool {
	var done bool
	return func(m, n string) bool {
		if done || m != method || n != name {
			return false
		}
		done = true
		return true
	}
}

func TestTheHeadIsWrittenLast(t *testing.T) {
	t.Parallel()
	between := proxy.Start(t, clustertest.Config(t))
	network := &trouble{lost: func(string, string) bool { return false }}
	between.Intercept(network.intercept)
	r := example(clustertest.Namespace(t), 2)
	r.Content.Manifest, r.Inventory = incompressible(t, 1<<20), entries(501)
	create(t, newStoreThrough(t, between, "run1"), r)
	want := []string{
		"POST " + payload, "POST " + strings.TrimSuffix(payload, "0") + "1",
		"POST " + inventory, "POST " + strings.TrimSuffix(inventory, "0") + "1", "POST " + head,
	}
	// What others have left of the revision is looked for at the same time.
	writes := slices.DeleteFunc(slices.Clone(network.seen), func(request string) bool { return request == "GET secrets" })
	if len(writes) != len(network.seen)-1 {
		t.Errorf("the requests are %v", network.seen)
	}
	diff(t, "the first and the last write", []string{want[0], want[len(want)-1]}, []string{writes[0], writes[len(writes)-1]})
	slices.Sort(want)
	diff(t, "the writes", want, slices.Sorted(slices.Values(writes)))
}

func TestACreationSurvivesALostRequest(t *testing.T) {
	t.Parallel()
	for _, name := range []string{payload, inventory, head} {
		for _, acted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, carried out %v", name, acted), func(t *testing.T) {
				t.Parallel()
				between := proxy.Start(t, clustertest.Config(t))
				between.Intercept((&trouble{lost: once(http.MethodPost, name), acted: acted}).intercept)
				r := example(clustertest.Namespace(t), 2)
				create(t, newStoreThrough(t, between, "run1"), r)
				diff(t, "what is read", r, get(t, newStore(t, "run2"), r))
			})
		}
	}
}

func TestALostAnswerDoesNotHideAnothersRevision(t *testing.T) {
	t.Parallel()
	between := proxy.Start(t, clustertest.Config(t))
	r := example(clustertest.Namespace(t), 2)
	theirs := example(r.Namespace, 2)
	write := func() { create(t, newStore(t, "run2"), theirs) }
	between.Intercept((&trouble{lost: once(http.MethodPost, head), after: write}).intercept)
	if err := newStoreThrough(t, between, "run1").Create(t.Context(), r); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("it answers: %v", err)
	}
	if left := secrets(t, r.Namespace); len(left) != 3 {
		t.Errorf("there are %d Secrets", len(left))
	}
	diff(t, "what is read", theirs, get(t, newStore(t, "run3"), r))
}

func TestACreationThatFailsLeavesAllOrNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{payload, inventory, head} {
		for _, acted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, carried out %v", name, acted), func(t *testing.T) {
				t.Parallel()
				between := proxy.Start(t, clustertest.Config(t))
				between.Intercept((&trouble{lost: once(http.MethodPost, name), acted: acted, refused: true}).intercept)
				r := example(clustertest.Namespace(t), 2)
				err := newStoreThrough(t, between, "run1").Create(t.Context(), r)
				if name == head && acted {
					if err != nil {
						t.Errorf("it is there, but: %v", err)
					}
					diff(t, "what is read", r, get(t, newStore(t, "run2"), r))
					return
				}
				if err == nil {
					t.Error("it was not found, but there is no error")
				}
				if left := secrets(t, r.Namespace); len(left) != 0 {
					t.Errorf("there still are %d Secrets", len(left))
				}
			})
		}
	}
}

// Whoever does not want to wait until all parts are written gets none.
func TestACreationThatIsInterruptedLeavesNothing(t *testing.T) {
	t.Parallel()
	for title, acted := range map[string]bool{"the request is lost": false, "the answer is lost": true} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			between := proxy.Start(t, clustertest.Config(t))
			ctx, giveUp := context.WithCancel(t.Context())
			between.Intercept((&trouble{lost: once(http.MethodPost, inventory), acted: acted, after: giveUp}).intercept)
			r := example(clustertest.Namespace(t), 2)
			// The client sees that the caller gave up, or that the connection broke, whichever comes first.
			if err := newStoreThrough(t, between, "run1").Create(ctx, r); !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
				t.Errorf("it answers: %v", err)
			}
			if left := secrets(t, r.Namespace); len(left) != 0 {
				t.Errorf("there still are %d Secrets", len(left))
			}
		})
	}
}

// A run that is killed between the parts and the head cannot take the parts away; the next that records the revision does.
func TestWhatARunLeftOfARevisionGoesWhenAnotherRecordsIt(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	create(t, newStore(t, "run1"), example(namespace, 1))
	create(t, newStore(t, "run2"), example(namespace, 2))
	if err := client(t, namespace).Delete(t.Context(), head, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	theirs, err := client(t, namespace).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Name: "theirs", Labels: map[string]string{"owner": "sherpack", "name": "shop", "version": "2", "part": "payload-0", "run": "run2"},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := example(namespace, 2)
	create(t, newStore(t, "run3"), r)
	runs := map[string]int{}
	for _, secret := range secrets(t, namespace) {
		if secret.Name != theirs.Name {
			runs[secret.Labels["version"]+" "+secret.Labels["run"]]++
		}
	}
	if diff := cmp.Diff(map[string]int{"1 run1": 3, "2 run3": 3}, runs); diff != "" {
		t.Errorf("there are Secrets of (-want +got):\n%s", diff)
	}
	if got := len(secrets(t, namespace)); got != 7 {
		t.Errorf("there are %d Secrets: what only has the labels is somebody else's", got)
	}
	diff(t, "what is read", r, get(t, newStore(t, "run4"), r))
}

func TestAHeadKeepsItsPartsWhenTheNetworkGoes(t *testing.T) {
	t.Parallel()
	between := proxy.Start(t, clustertest.Config(t))
	gone := false
	ctx, giveUp := context.WithCancel(t.Context())
	network := &trouble{acted: true, after: giveUp, lost: func(method, name string) bool {
		gone = gone || method == http.MethodPost && name == head
		return gone
	}}
	between.Intercept(network.intercept)
	r := example(clustertest.Namespace(t), 2)
	if err := newStoreThrough(t, between, "run1").Create(ctx, r); err == nil {
		t.Error("there is no error")
	}
	found := get(t, newStore(t, "run2"), r)
	diff(t, "the content", r.Content, found.Content)
	diff(t, "the inventory", r.Inventory, found.Inventory)
}

func TestARevisionIsCreatedOnce(t *testing.T) {
	t.Parallel()
	for title, run := range map[string]string{"by another run": "run2", "by the same run": "run1"} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			first := example(clustertest.Namespace(t), 2)
			create(t, newStore(t, "run1"), first)
			before := secrets(t, first.Namespace)

			second := example(first.Namespace, 2)
			second.Content.Manifest, second.Inventory = incompressible(t, 1<<20), entries(501)
			if err := newStore(t, run).Create(t.Context(), second); !errors.Is(err, storage.ErrConflict) {
				t.Errorf("the second answers: %v", err)
			}
			diff(t, "the Secrets", before, secrets(t, first.Namespace))
			diff(t, "what is read", first, get(t, newStore(t, "run3"), first))
		})
	}
}

func TestAStatusSurvivesALostRequest(t *testing.T) {
	t.Parallel()
	for title, acted := range map[string]bool{"the request is lost": false, "the answer is lost": true} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			between := proxy.Start(t, clustertest.Config(t))
			store, r := newStoreThrough(t, between, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			between.Intercept((&trouble{lost: once(http.MethodPatch, head), acted: acted}).intercept)
			for _, phase := range []release.Phase{release.PendingInstall, release.Deployed} {
				r.Status.Phase = phase
				if err := store.UpdateStatus(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				diff(t, "what is read", r, get(t, newStore(t, "run2"), r))
			}
		})
	}
}

func TestAnInventorySurvivesALostRequest(t *testing.T) {
	t.Parallel()
	for title, acted := range map[string]bool{"the request is lost": false, "the answer is lost": true} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			between := proxy.Start(t, clustertest.Config(t))
			store, r := newStoreThrough(t, between, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			between.Intercept((&trouble{lost: once(http.MethodPatch, inventory), acted: acted}).intercept)
			r.Inventory = r.Inventory[1:]
			if err := store.UpdateInventory(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			checkInventory(t, r)
		})
	}
}

func TestAStatusIsWrittenAfterTheNetworkIsBack(t *testing.T) {
	t.Parallel()
	for title, acted := range map[string]bool{"the requests were lost": false, "the answers were lost": true} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			between := proxy.Start(t, clustertest.Config(t))
			store, r := newStoreThrough(t, between, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			for range 2 {
				ctx, giveUp := context.WithCancel(t.Context())
				network := &trouble{lost: func(string, string) bool { return true }, acted: acted, after: giveUp}
				between.Intercept(network.intercept)
				r.Status.Message += " again"
				if err := store.UpdateStatus(ctx, r); err == nil || errors.Is(err, storage.ErrConflict) {
					t.Errorf("without a network it answers: %v", err)
				}
			}
			between.Intercept(nil)
			r.Status.Phase, r.Status.Message = release.Failed, "the network was gone"
			if err := store.UpdateStatus(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			diff(t, "what is read", r, get(t, newStore(t, "run2"), r))
		})
	}
}

func TestALostAnswerDoesNotHideAnothersWrite(t *testing.T) {
	t.Parallel()
	between := proxy.Start(t, clustertest.Config(t))
	store, r := newStoreThrough(t, between, "run1"), example(clustertest.Namespace(t), 2)
	create(t, store, r)
	var theirs *release.Release
	write := func() {
		theirs = get(t, newStore(t, "run2"), r)
		theirs.Status.Message = "theirs"
		if err := newStore(t, "run2").UpdateStatus(t.Context(), theirs); err != nil {
			t.Error(err)
		}
	}
	between.Intercept((&trouble{lost: once(http.MethodPatch, head), acted: true, after: write}).intercept)
	for range 2 {
		r.Status.Message = "mine"
		if err := store.UpdateStatus(t.Context(), r); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("it answers: %v", err)
		}
	}
	diff(t, "what is read", theirs, get(t, store, r))
}
