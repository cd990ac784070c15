package kube

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// oneKind is a connection to a server that has one kind and answers every
// request for its objects by the handler. It counts them.
func oneKind(t *testing.T, handler http.HandlerFunc) (*Cluster, *atomic.Int32) {
	t.Helper()
	count := &atomic.Int32{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		handler(w, r)
	}))
	t.Cleanup(front.Close)
	client, err := dynamic.NewForConfig(&rest.Config{Host: front.URL})
	if err != nil {
		t.Fatal(err)
	}
	known := newKinds(&served{lists: map[string][]string{"a/v1": {"One"}}})
	return newCluster(&connection{kinds: known, dynamic: client}), count
}

func one() corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: "a/v1", Kind: "One", Namespace: "ns", Name: "x"}
}

func TestFeeds(t *testing.T) {
	t.Parallel()
	t.Run("a kind that is no longer served has no objects", aKindThatIsNoLongerServedHasNoObjects)
	t.Run("a kind that is not discovered any more has no objects", aKindThatIsNotDiscoveredAnyMoreHasNoObjects)
	t.Run("a version that is no longer served has objects", aVersionThatIsNoLongerServedHasObjects)
	t.Run("why nothing is heard is said", whyNothingIsHeardIsSaid)
	t.Run("a server that cannot be reached is asked again", aServerThatCannotBeReachedIsAskedAgain)
	t.Run("what an old server does not list is read by name", whatAnOldServerDoesNotListIsReadByName)
	t.Run("nothing is followed after Close", nothingIsFollowedAfterClose)
}

func aKindThatIsNoLongerServedHasNoObjects(t *testing.T) {
	t.Parallel()
	cluster, count := oneKind(t, answer(http.StatusNotFound, "the server could not find the requested resource"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := cluster.AwaitGone(ctx, []corev1.ObjectReference{one()}, nil); err != nil {
		t.Error(err)
	}
	if count.Load() < 3 {
		t.Errorf("it was believed after %d requests", count.Load())
	}
}

// The paths of a kind end a moment before discovery says so.
func aKindThatIsNotDiscoveredAnyMoreHasNoObjects(t *testing.T) {
	t.Parallel()
	cluster, _ := oneKind(t, http.NotFound)
	cluster.api.kinds = newKinds(&served{lists: map[string][]string{"a/v1": {"One"}, "b/v1": {"Two"}}, later: map[string][]string{"a/v1": nil}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := cluster.AwaitGone(ctx, []corev1.ObjectReference{one()}, nil); err != nil {
		t.Error(err)
	}
}

// A definition may stop serving the version that an object was written in while the object is being deleted.
func aVersionThatIsNoLongerServedHasObjects(t *testing.T) {
	t.Parallel()
	listed := answerWith(`{"apiVersion": "a/v2", "kind": "OneList", "metadata": {"resourceVersion": "7"}, "items": [{"apiVersion": "a/v2", "kind": "One", "metadata": {"name": "x"}}]}`)
	cluster, _ := oneKind(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/apis/a/v1/") {
			http.NotFound(w, r)
			return
		}
		listed(w, r)
	})
	cluster.api.kinds = newKinds(&served{lists: map[string][]string{"a/v1": {"One"}}, later: map[string][]string{"a/v1": nil, "a/v2": {"One"}}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := cluster.AwaitGone(ctx, []corev1.ObjectReference{one()}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

func whyNothingIsHeardIsSaid(t *testing.T) {
	t.Parallel()
	cluster, _ := oneKind(t, answer(http.StatusInternalServerError, "etcd has no leader"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := cluster.AwaitGone(ctx, []corev1.ObjectReference{one()}, nil)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "etcd has no leader") {
		t.Errorf("the error is %v", err)
	}
}

func aServerThatCannotBeReachedIsAskedAgain(t *testing.T) {
	t.Parallel()
	listed := answerWith(`{"apiVersion": "a/v1", "kind": "OneList", "metadata": {"resourceVersion": "7"}, "items": []}`)
	var failures atomic.Int32
	cluster, _ := oneKind(t, func(w http.ResponseWriter, r *http.Request) {
		if failures.Add(1) <= 4 {
			hangUp(w, r)
			return
		}
		listed(w, r)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := cluster.AwaitGone(ctx, []corev1.ObjectReference{one()}, nil); err != nil {
		t.Error(err)
	}
}

// answerWith answers lists, and refuses watches as old servers do that do not
// know how to begin one with a list.
func answerWith(list string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("sendInitialEvents") != "" {
			answer(http.StatusUnprocessableEntity, "sendInitialEvents is forbidden")(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("watch") == "" {
			_, _ = w.Write([]byte(list))
		}
	}
}

// A server that cannot begin a watch with a list does not get as far as a watch
// where lists are forbidden.
func whatAnOldServerDoesNotListIsReadByName(t *testing.T) {
	t.Parallel()
	old := answerWith("")
	cluster, _ := oneKind(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Query().Get("watch") != "":
			old(w, r)
		case strings.HasSuffix(r.URL.Path, "/x"):
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"apiVersion": "a/v1", "kind": "One", "metadata": {"name": "x", "resourceVersion": "7"}}`))
		default:
			answer(http.StatusForbidden, "no")(w, r)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := cluster.Wait(ctx, []WaitTarget{{Ref: one()}}, "", nil); err != nil {
		t.Error(err)
	}
}

func nothingIsFollowedAfterClose(t *testing.T) {
	t.Parallel()
	cluster, _ := oneKind(t, answerWith(`{"apiVersion": "a/v1", "kind": "OneList", "metadata": {"resourceVersion": "7"}, "items": []}`))
	if _, err := cluster.feeds.Shared(t.Context(), source{kind: kinds.Of(one()), namespace: "ns"}); err != nil {
		t.Fatal(err)
	}
	cluster.Close()
	cluster.Close()
	if _, err := cluster.feeds.Shared(t.Context(), source{kind: kinds.Of(one()), namespace: "ns"}); err == nil {
		t.Error("a watch was opened after Close")
	}
}
