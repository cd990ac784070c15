package plugin_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra/doc"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

// docs/reference has a page for each command, made from the command itself; -update makes them.
func TestReference(t *testing.T) {
	t.Parallel()
	root := plugin.NewCommand(genericiooptions.NewTestIOStreamsDiscard(), plugin.Build{})
	root.InitDefaultHelpCmd()
	// What is there by default depends on the home directory.
	root.PersistentFlags().Lookup("cache-dir").DefValue = "$HOME/.kube/cache"
	made := t.TempDir()
	if err := doc.GenMarkdownTree(root, made); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(made, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	const folder = "../../docs/reference"
	var want []string
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(page)
		want = append(want, name)
		golden.Compare(t, filepath.Join("../..", folder, name), referencePage(text))
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-commands +files):\n%s", diff)
	}
}

// referencePage is a page without what changes from day to day, or cannot be seen.
func referencePage(page []byte) string {
	page, _, _ = bytes.Cut(page, []byte("\n###### Auto generated"))
	var lines []string
	for line := range strings.Lines(string(page)) {
		lines = append(lines, strings.TrimRight(line, " \t\n"))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}
