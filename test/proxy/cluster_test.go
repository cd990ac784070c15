package proxy_test

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestAWatchThroughTheProxySeesWhatHappens(t *testing.T) {
	t.Parallel()
	p := proxy.Start(t, clustertest.Config(t))
	maps := newClient(t, p.Config()).CoreV1().ConfigMaps(clustertest.Namespace(t))
	events, err := maps.Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=seen"})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()

	wanted := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "seen"}}
	if _, err := maps.Create(t.Context(), wanted, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Fatal(err)
	}
	if _, err := maps.Create(t.Context(), wanted, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if event := <-events.ResultChan(); event.Type != watch.Added {
		t.Errorf("the watch says %v", event)
	}
	if got := len(p.Requests()); got != 3 {
		t.Errorf("%d requests, want 3: %+v", got, p.Requests())
	}
	if got := len(p.Writes()); got != 1 {
		t.Errorf("%d writes, want 1: %+v", got, p.Writes())
	}
}

func TestALogIsFollowedThroughTheProxy(t *testing.T) {
	t.Parallel()
	p := proxy.Start(t, clustertest.Config(t))
	namespace := clustertest.Namespace(t)
	pods := newClient(t, p.Config()).CoreV1().Pods(namespace)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "talker", Annotations: map[string]string{"sim.sherpack.io/log": "one\ntwo"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "talker", Image: "talker"}}},
	}
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	kubectl(t, p, "--namespace", namespace, "wait", "--for=condition=Ready", "--timeout=2m", "pod/talker")
	stream, err := pods.GetLogs("talker", &corev1.PodLogOptions{Follow: true}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	log := bufio.NewReader(stream)
	for _, want := range []string{"one\n", "two\n"} {
		if line, err := log.ReadString('\n'); line != want {
			t.Errorf("read %q, want %q: %v", line, want, err)
		}
	}
	if err := pods.Delete(t.Context(), "talker", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(log); len(rest) != 0 || err != nil {
		t.Errorf("after the Pod's end the log goes on with %q: %v", rest, err)
	}
}

func TestKubectlGoesThroughTheProxyAsAnAdministrator(t *testing.T) {
	t.Parallel()
	p := proxy.Start(t, clustertest.Config(t))
	got := kubectl(t, p, "auth", "whoami", "--output=jsonpath={.status.userInfo.groups[0]}")
	if got != "system:masters" {
		t.Errorf("the group is %q", got)
	}
	if requests := p.Requests(); len(requests) == 0 || !strings.HasPrefix(requests[0].UserAgent, "kubectl/") {
		t.Errorf("requests: %+v", requests)
	}
}

func TestAClientsOwnIdentityIsKept(t *testing.T) {
	t.Parallel()
	p := proxy.Start(t, clustertest.Config(t))
	config := p.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: "jane"}
	review, err := newClient(t, config).AuthenticationV1().SelfSubjectReviews().
		Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := review.Status.UserInfo.Username; got != "jane" {
		t.Errorf("the user is %q", got)
	}
}

func newClient(t *testing.T, config *rest.Config) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// kubectl runs kubectl through the Proxy and returns what it prints.
func kubectl(t *testing.T, p *proxy.Proxy, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), clustertest.Kubectl(t), append(args, "--kubeconfig", p.Kubeconfig(t))...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kubectl %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}
