package kube

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
)

func TestLogs(t *testing.T) {
	t.Parallel()
	t.Run("they end with Stop, whenever they began", logsEndWithStop)
	t.Run("what a kubelet answers", logsAreAskedForAgain)
	t.Run("the last lines of a hook come though its time is over", logsComeWhenTimeIsOver)
}

// kubelet is a connection to a server that answers every request by the handler.
func kubelet(t *testing.T, handler http.HandlerFunc) *connection {
	t.Helper()
	front := httptest.NewServer(handler)
	t.Cleanup(front.Close)
	cluster, _ := oneKind(t, answer(http.StatusNotFound, "nothing"))
	client, err := plainClient(&rest.Config{Host: front.URL}, front.Client())
	if err != nil {
		t.Fatal(err)
	}
	cluster.api.streams = client
	return cluster.api
}

// runs is a Pod of which some containers run.
func runs(containers ...string) *unstructured.Unstructured {
	var statuses []any
	for _, name := range containers {
		statuses = append(statuses, map[string]any{"name": name, "state": map[string]any{"running": map[string]any{}}})
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "p", "namespace": "ns", "uid": "1"},
		"status": map[string]any{"containerStatuses": statuses},
	}}
}

// endless says a line and is silent then, as a container that runs on.
func endless(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprintln(w, "hello from", r.URL.Query().Get("container"))
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func logsEndWithStop(t *testing.T) {
	t.Parallel()
	logs := newLogStreams(t.Context(), kubelet(t, endless))
	for _, seen := range []*unstructured.Unstructured{runs("a"), runs("a", "b")} {
		logs.See(seen)
		<-logs.Lines()
	}
	logs.Stop()
	ended := make(chan struct{})
	go func() {
		logs.active.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("a log is followed after Stop")
	}
}

func logsAreAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		codes []int
		want  []string
	}{
		"it stumbles":      {[]int{http.StatusInternalServerError, http.StatusOK}, []string{"hello"}},
		"it refuses":       {[]int{http.StatusBadRequest}, []string{"(the log cannot be read: no log for you)"}},
		"the Pod is gone":  {[]int{http.StatusInternalServerError, http.StatusNotFound}, nil},
		"it needs a right": {[]int{http.StatusForbidden}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			logs := newLogStreams(t.Context(), kubelet(t, func(w http.ResponseWriter, r *http.Request) {
				if code := test.codes[asked.Add(1)-1]; code != http.StatusOK {
					answer(code, "no log for you")(w, r)
					return
				}
				_, _ = fmt.Fprintln(w, "hello")
			}))
			logs.See(runs("a"))
			var got []string
			logs.Drain(time.Minute, func(line LogLine) { got = append(got, line.Text) })
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func logsComeWhenTimeIsOver(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	api := newCluster(kubelet(t, endless)).feeds
	hook := HookRun{Object: runs("a"), Logs: func(line LogLine) { got = append(got, line.Text) }}
	f := newFollower(ctx, api, hook, nil)
	f.diagnosis.evidence = pods.NewEvidence("1")
	f.main = feed.Open(ctx, api.dynamic.Resource(podKind().GroupVersion().WithResource("pods")), feed.Options{})
	t.Cleanup(f.main.Close)
	f.logs.See(hook.Object)
	cancel()
	if _, err := f.outOfTime(ctx); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"hello from a"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
