package plugin

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

func TestDocumentation(t *testing.T) {
	t.Parallel()
	t.Run("it names the flags that are completed", documentationOfCompletions)
	t.Run("what it shows of a lock is printed", documentationOfALock)
}

// page is a page of the documentation.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func documentationOfCompletions(t *testing.T) {
	t.Parallel()
	// Of files and folders it need not be said, nor of the former name of --progress; the namespace is -n.
	unsaid := []string{
		"cache-dir", "dir", "destination", "output-dir", "kubeconfig", kubercFlag, "template", "client-key", "client-certificate",
		"certificate-authority", "values", eventsFlag, "namespace",
	}
	_, table, _ := strings.Cut(page(t, "install.md"), "| completes | with |")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, flag := range slices.Sorted(maps.Keys(completer{}.flags())) {
		if !slices.Contains(unsaid, flag) && !strings.Contains(table, "`--"+flag+"`") {
			t.Errorf("install.md does not say what --%s is completed with", flag)
		}
	}
}

func documentationOfALock(t *testing.T) {
	t.Parallel()
	err := &storage.LockedError{
		Namespace: "shop", Name: "web", Holder: storage.Holder{Operation: "upgrade", Step: "pre-upgrade/migrate", Host: "ci-7", PID: 17124},
		Held: 6 * time.Second, Age: time.Second,
	}
	shown := regexp.MustCompile("(?s)```text\n(error: release [^`]* is locked by .*?)\n```").FindStringSubmatch(page(t, "troubleshooting.md"))
	if len(shown) == 0 {
		t.Fatal("nothing is shown")
	}
	if diff := cmp.Diff(shown[1], explain(err)); diff != "" {
		t.Errorf("(-shown +printed):\n%s", diff)
	}
}
