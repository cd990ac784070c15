package kubelet_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/test/cluster/kubelet"
)

// talker has printed three lines, the last of them 20 seconds after its start.
const talker = `
metadata:
  name: talker
  namespace: shop
  resourceVersion: "7"
  annotations:
    sim.sherpack.io/log: "one\ntwo\nthree\n"
    sim.sherpack.io/log.side: "aside"
    sim.sherpack.io/log-every: 10s
status:
  initContainerStatuses:
  - name: prepare
    state: {terminated: {startedAt: "2020-01-01T09:59:00Z"}}
  containerStatuses:
  - name: main
    state: {running: {startedAt: "2020-01-01T10:00:00Z"}}
  - name: side
    state: {running: {startedAt: "2020-01-01T10:00:00Z"}}
  - name: again
    restartCount: 2
    state: {waiting: {reason: CrashLoopBackOff}}
    lastState: {terminated: {startedAt: "2020-01-01T11:00:00Z"}}
  - name: stuck
    state: {waiting: {reason: ImagePullBackOff}}
`

func TestLogs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path string
		code int
		want string
	}{
		"all lines of a container":             {path: "talker/main", want: "one\ntwo\nthree\n"},
		"a container with lines of its own":    {path: "talker/side", want: "aside\n"},
		"an init container":                    {path: "talker/prepare", want: "one\ntwo\nthree\n"},
		"the last lines":                       {path: "talker/main?tailLines=2", want: "two\nthree\n"},
		"more last lines than there are":       {path: "talker/main?tailLines=9", want: "one\ntwo\nthree\n"},
		"no lines":                             {path: "talker/main?tailLines=0", want: ""},
		"the first bytes":                      {path: "talker/main?limitBytes=6", want: "one\ntw"},
		"lines since a time":                   {path: "talker/main?sinceTime=2020-01-01T10:00:10Z", want: "two\nthree\n"},
		"lines of the last second":             {path: "talker/main?sinceSeconds=1", want: ""},
		"lines with their times":               {path: "talker/main?timestamps=true&tailLines=1", want: "2020-01-01T10:00:20.000000000Z three\n"},
		"a container between two runs":         {path: "talker/again", want: "one\ntwo\nthree\n"},
		"the run before":                       {path: "talker/again?previous=true&tailLines=1", want: "three\n"},
		"a log that is over, followed":         {path: "talker/again?follow=true&tailLines=1", want: "three\n"},
		"no run before":                        {path: "talker/main?previous=true", code: 400, want: "previous terminated container \"main\" in pod \"talker\" not found\n"},
		"a container that waits for its image": {path: "talker/stuck", code: 400, want: "container \"stuck\" in pod \"talker\" is waiting to start: ImagePullBackOff\n"},
		"a container that is not there":        {path: "talker/other", code: 400, want: "container \"other\" in pod \"talker\" is not available\n"},
		"a pod that is not there":              {path: "other/main", code: 404, want: "pods \"other\" not found\n"},
		"a number that is none":                {path: "talker/main?tailLines=x", code: 400, want: "read tailLines: strconv.ParseUint: parsing \"x\": invalid syntax\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := get(t, fake.NewClientset(newPod(t, talker)), test.path)
			defer answer.Body.Close()
			if want := max(test.code, http.StatusOK); answer.StatusCode != want {
				t.Errorf("status is %s, want %d", answer.Status, want)
			}
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFollowedLogEndsWithItsContainer(t *testing.T) {
	t.Parallel()
	pod := newPod(t, talker)
	pod.Status.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(time.Now().Add(-5 * time.Second))
	client := fake.NewClientset(pod)
	watched := make(chan struct{})
	client.PrependWatchReactor("pods", func(kubetesting.Action) (bool, watch.Interface, error) {
		close(watched)
		return false, nil, nil
	})
	answer := get(t, client, "talker/main?follow=true")
	defer answer.Body.Close()
	log := bufio.NewReader(answer.Body)
	if line, err := log.ReadString('\n'); line != "one\n" {
		t.Fatalf("the first line is %q: %v", line, err)
	}
	// The other two lines would come in 5 and 15 seconds; the end of the container brings them at once.
	<-watched
	ended := pod.DeepCopy()
	ended.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
	if _, err := client.CoreV1().Pods(pod.Namespace).UpdateStatus(t.Context(), ended, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(log)
	if diff := cmp.Diff("two\nthree\n", string(rest)); err != nil || diff != "" {
		t.Errorf("error %v, the rest (-want +got):\n%s", err, diff)
	}
}

// get asks a log server in front of client for namespace shop's path.
func get(t *testing.T, client kubernetes.Interface, path string) *http.Response {
	t.Helper()
	server := httptest.NewServer(kubelet.LogServer{Client: client}.Handler())
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/containerLogs/shop/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func newPod(t *testing.T, text string) *corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict([]byte(strings.TrimSpace(text)), &pod); err != nil {
		t.Fatal(err)
	}
	return &pod
}
