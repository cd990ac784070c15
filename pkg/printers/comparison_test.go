package printers_test

import (
	"bytes"
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
