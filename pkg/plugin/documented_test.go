package plugin

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestDocumentation(t *testing.T) {
	t.Parallel()
	t.Run("it names the flags that are completed", documentationOfCompletions)
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
