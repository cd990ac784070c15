package clustertest_test

import (
	"regexp"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

func TestPodsAreAcceptedInANewNamespaceAtOnce(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	namespace := clustertest.Namespace(t)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web"}}},
	}
	if _, err := client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Errorf("create a Pod: %v", err)
	}
}

func TestNamespacesAreNamedAfterTheirTest(t *testing.T) {
	t.Parallel()
	first, second := clustertest.Namespace(t), clustertest.Namespace(t)
	if first == second {
		t.Errorf("both are %s", first)
	}
	if want := regexp.MustCompile(`^test-namespacesarenamedaftertheirtest-.{5}$`); !want.MatchString(first) {
		t.Errorf("%s does not match %s", first, want)
	}
}

func TestANamespaceIsDeletedAfterItsTest(t *testing.T) {
	t.Setenv(clustertest.KeepVariable, "")
	var namespace string
	t.Run("a test that ends", func(t *testing.T) {
		namespace = clustertest.Namespace(t)
	})
	left, err := newClient(t).CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if err == nil && left.DeletionTimestamp == nil {
		t.Errorf("namespace %s is still there", namespace)
	}
}

func TestTheConfigurationIsAnAdministrators(t *testing.T) {
	t.Parallel()
	review, err := newClient(t).AuthenticationV1().SelfSubjectReviews().
		Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	groups := review.Status.UserInfo.Groups
	if len(groups) == 0 || groups[0] != "system:masters" {
		t.Errorf("groups are %v", groups)
	}
}

func newClient(t *testing.T) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(clustertest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	return client
}
