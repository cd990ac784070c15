package printers_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/diff"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/drift"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

// holding is a ConfigMap or Secret that holds a value.
func holding(kind, name, value string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name, "namespace": "web"}, "data": map[string]any{"a": value},
	}}
}

func compared() printers.Comparison {
	return printers.Comparison{
		Name: "shop", Namespace: "web", About: "revision 1 and revision 2", Versions: printers.Versions{Before: "REVISION-1", After: "REVISION-2"},
		Changes: diff.Between(
			[]*unstructured.Unstructured{holding("ConfigMap", "app", "one\n```\n````\n</details>\n"), holding("Secret", "keys", "c2VjcmV0"), holding("ConfigMap", "odd|*name*", "x")},
			[]*unstructured.Unstructured{holding("ConfigMap", "app", "two\n```\n````\n</details>\n"), holding("Secret", "keys", "b3RoZXI="), holding("ConfigMap", "new", "\x1b[31m\u202e")},
		),
	}
}

//nolint:paralleltest // The environment, which names the program for diffs, is that of the process.
func TestComparison(t *testing.T) {
	t.Run("as a comment of a pull request", comparisonAsMarkdown)
	t.Run("for programs", comparisonForPrograms)
	t.Run("without a diff program", comparisonWithoutADiffProgram)
	t.Run("a diff that cannot be written is an error", diffThatCannotBeWrittenIsAnError)
	t.Run("no name leads out of the folder that is compared", noNameLeadsOutOfTheFolder)
}

func comparisonAsMarkdown(t *testing.T) {
	var out bytes.Buffer
	if err := compared().Markdown(&out); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "comparison.md", out.String())
	out.Reset()
	if err := (printers.Comparison{Name: "shop", About: "upgrade"}).Markdown(&out); err != nil || out.String() != "### shop: upgrade\n\nNo changes.\n" {
		t.Errorf("error %v, and without changes it is %q", err, out.String())
	}
}

func comparisonForPrograms(t *testing.T) {
	object, err := compared().Object()
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "comparison.yaml", string(text))
}

func comparisonWithoutADiffProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("KUBECTL_EXTERNAL_DIFF", "")
	streams, _, out, errs := genericiooptions.NewTestIOStreams()
	if err := compared().Text(streams); err != nil || errs.Len() > 0 {
		t.Fatalf("error %v: %s", err, errs)
	}
	golden.Compare(t, "comparison.diff", out.String())
	t.Setenv("KUBECTL_EXTERNAL_DIFF", "no-such-program")
	if err := compared().Text(streams); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("with a program that there is not, the error is %v", err)
	}
}

func diffThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Setenv("KUBECTL_EXTERNAL_DIFF", "")
	reader, writer := io.Pipe()
	_ = reader.CloseWithError(io.ErrShortWrite)
	if err := compared().Text(genericiooptions.IOStreams{Out: writer, ErrOut: io.Discard}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("the error is %v", err)
	}
}

// A stored record may have been written by anybody.
func noNameLeadsOutOfTheFolder(t *testing.T) {
	folder := t.TempDir()
	temporary := filepath.Join(folder, "a", "b")
	if err := os.MkdirAll(temporary, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temporary)
	t.Setenv("KUBECTL_EXTERNAL_DIFF", "")
	long := strings.Repeat("x", 300)
	names := []string{"x/../../../../written", "x/../../../written", `..\..\x`, "system:node", "é%", "a\x00b", long + "1", long + "2"}
	var after []*unstructured.Unstructured
	for _, name := range names {
		after = append(after, holding("ConfigMap", name, "of "+name))
	}
	streams, _, out, errs := genericiooptions.NewTestIOStreams()
	changes := diff.Between(nil, after)
	if err := printers.Diff(streams, printers.Versions{Before: "LIVE", After: "MERGED"}, changes); err != nil || errs.Len() > 0 {
		t.Fatalf("error %v: %s", err, errs)
	}
	if got := strings.Count(out.String(), "kind: ConfigMap"); got != len(names) {
		t.Errorf("%d objects are shown:\n%s", got, out)
	}
	for _, name := range []string{"v1.ConfigMap.web.system%3Anode", "v1.ConfigMap.web.%C3%A9%25", "v1.ConfigMap.web.x%2F..%2F..%2F..%2Fwritten"} {
		if !strings.Contains(out.String(), name+"\t") {
			t.Errorf("no file is called %s:\n%s", name, out)
		}
	}
	left, err := filepath.Glob(filepath.Join(folder, "*"))
	inner, _ := filepath.Glob(filepath.Join(folder, "a", "*"))
	if err != nil || len(left) != 1 || len(inner) != 1 {
		t.Errorf("files were written elsewhere: %v, %v, %v", left, inner, err)
	}
}

func TestDrift(t *testing.T) {
	t.Parallel()
	t.Run("for people", driftForPeople)
	t.Run("as a page", driftAsMarkdown)
}

func drifted() printers.Drift {
	ref := func(kind, name string) corev1.ObjectReference {
		return corev1.ObjectReference{APIVersion: "v1", Kind: kind, Namespace: "web", Name: name}
	}
	at := metav1.NewTime(time.Date(2026, 1, 2, 15, 4, 59, 0, time.UTC))
	return printers.Drift{Name: "shop", Namespace: "web", Revision: 3, Objects: []drift.Object{
		{Ref: ref("ConfigMap", "gone"), Missing: true},
		{Ref: ref("ConfigMap", "app"), Refused: "field is\nimmutable", Fields: []drift.Field{
			{Path: fieldpath.MakePathOrDie("data", "a"), Recorded: "x", Live: "\x1b[31m", By: &drift.Change{Manager: "kubectl-edit", Time: &at}},
			{Path: fieldpath.MakePathOrDie("data", "long"), Recorded: strings.Repeat("ä", 300), Live: int64(1), By: &drift.Change{Manager: "kubectl", Subresource: "scale"}},
			{Path: fieldpath.MakePathOrDie("data", "removed"), Recorded: map[string]any{"a": "b"}, Removed: true},
		}},
	}}
}

func driftForPeople(t *testing.T) {
	t.Parallel()
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	if err := drifted().Text(streams); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "drift.txt", out.String())
}

func driftAsMarkdown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := drifted().Markdown(&out); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "drift.md", out.String())
}
