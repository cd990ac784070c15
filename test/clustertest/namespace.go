package clustertest

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"
)

// KeepVariable is the environment variable that, if set to anything, has
// namespaces stay when their tests end: for a cluster that is stopped soon. To
// delete one costs the API server as much as a whole test does.
const KeepVariable = "SHERPACK_KEEP_NAMESPACES"

// accountTimeout bounds the wait for the controllers of a working cluster.
const accountTimeout = 30 * time.Second

// Namespace makes a namespace that is the test's alone and returns its name.
// Pods can be created in it at once. It is deleted when the test ends, without
// waiting for that, unless KeepVariable is set.
func Namespace(t testing.TB) string {
	t.Helper()
	client, err := kubernetes.NewForConfig(Config(t))
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	wanted := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix(t.Name())}}
	made, err := client.CoreV1().Namespaces().Create(t.Context(), wanted, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("create a namespace: %v", err)
	}
	t.Cleanup(func() {
		if os.Getenv(KeepVariable) != "" {
			return
		}
		// The test's context has ended by now.
		ctx := context.WithoutCancel(t.Context())
		if err := client.CoreV1().Namespaces().Delete(ctx, made.Name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("delete namespace %s: %v", made.Name, err)
		}
	})
	awaitAccount(t, client, made)
	return made.Name
}

// awaitAccount waits for the ServiceAccount without which no Pod is accepted.
func awaitAccount(t testing.TB, client kubernetes.Interface, namespace *corev1.Namespace) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), accountTimeout)
	defer cancel()
	accounts := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		options.FieldSelector = fields.OneTermEqualSelector("metadata.name", "default").String()
		return client.CoreV1().ServiceAccounts(namespace.Name).Watch(ctx, options)
	}}
	exists := func(event watch.Event) (bool, error) { return event.Type == watch.Added, nil }
	if _, err := toolswatch.Until(ctx, namespace.ResourceVersion, accounts, exists); err != nil {
		t.Fatalf("wait for the default ServiceAccount of namespace %s: %v", namespace.Name, err)
	}
}

// prefix makes of a test's name the beginning of a namespace's, so that a
// namespace that is still there tells which test it was.
func prefix(test string) string {
	const longest = 50
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, strings.TrimPrefix(test, "Test"))
	return "test-" + strings.Trim(name[:min(len(name), longest)], "-") + "-"
}
