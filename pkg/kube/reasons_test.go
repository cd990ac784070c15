package kube

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

func TestReasons(t *testing.T) {
	t.Parallel()
	t.Run("a Pod on a later page has them, too", reasonsAreOnAnyPage)
	t.Run("that not all Pods were looked at is said", reasonsSayThatTheyMayBeMissing)
}

// reasonsAmong are those of a Deployment in a namespace whose Pods a server lists page by page. The pages have the next one's number.
func reasonsAmong(t *testing.T, page func(continued string) (pods, next string)) []string {
	t.Helper()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		kind, items, next := "Event", "", ""
		if strings.HasSuffix(strings.ToLower(r.URL.Path), "/pods") {
			kind = "Pod"
			items, next = page(r.URL.Query().Get("continue"))
		}
		_, _ = fmt.Fprintf(w, `{"apiVersion": "v1", "kind": "%sList", "metadata": {"continue": %q}, "items": [%s]}`, kind, next, items)
	}))
	t.Cleanup(front.Close)
	client, err := dynamic.NewForConfig(&rest.Config{Host: front.URL})
	if err != nil {
		t.Fatal(err)
	}
	known := newKinds(&served{lists: map[string][]string{"v1": {"Pod", "Event"}}})
	web := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "namespace": "ns", "uid": "1"},
		"spec": map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"app": "web"}}},
	}}
	return (&connection{kinds: known, dynamic: client}).reasons(t.Context(), []*unstructured.Unstructured{web})[0]
}

// other is a Pod of somebody else.
const other = `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "other", "namespace": "ns"}}`

func reasonsAreOnAnyPage(t *testing.T) {
	t.Parallel()
	got := reasonsAmong(t, func(continued string) (pods, next string) {
		if continued == "" {
			return other, "2"
		}
		return `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "ns", "uid": "2", "labels": {"app": "web"}},
			"status": {"containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}}`, ""
	})
	if diff := cmp.Diff([]string{`Pod/web-1: container "main" is waiting: ImagePullBackOff: no such image`}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func reasonsSayThatTheyMayBeMissing(t *testing.T) {
	t.Parallel()
	page := strings.TrimSuffix(strings.Repeat(other+",", pageSize), ",")
	got := reasonsAmong(t, func(string) (pods, next string) { return page, "more" })
	if diff := cmp.Diff([]string{"the reason is unknown: the namespace has more Pods or events than were looked at"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
