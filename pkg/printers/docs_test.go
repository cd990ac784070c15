package printers_test

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/drift"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// What the documentation shows is what is printed: no test runs these samples on a cluster.
func TestSamplesInTheDocumentation(t *testing.T) {
	t.Parallel()
	t.Run("of status", sampleOfStatus)
	t.Run("of drift", sampleOfDrift)
}

// Whoever reads JSON finds every field and word of it in the documentation.
func TestFieldsInTheDocumentation(t *testing.T) {
	t.Parallel()
	var fields []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[release.Hook]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields = append(fields, name)
	}
	operations := []release.Operation{
		release.OperationInstall, release.OperationUpgrade, release.OperationRollback, release.OperationUninstall, release.OperationTest, release.OperationUndo,
	}
	var words []string
	for _, operation := range operations {
		words = append(words, string(operation))
	}
	for _, test := range []struct {
		page, begins string
		want         []string
	}{
		{"hooks.md", "With `-o json` or `-o yaml`, `.status.hooks[]`", fields},
		{"hooks.fr.md", "Avec `-o json` ou `-o yaml`, `.status.hooks[]`", fields},
		{"events.md", "`operation` is", words},
	} {
		text, err := os.ReadFile("../../docs/" + test.page)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), "\n\n"+test.begins)
		paragraph, _, _ := strings.Cut(after, "\n\n")
		for _, word := range test.want {
			if !strings.Contains(paragraph, "`"+word+"`") {
				t.Errorf("%s: the paragraph that begins with %q does not name %s", test.page, test.begins, word)
			}
		}
	}
}

// sample returns the block of docs/releases.md that has a line, without its indentation.
func sample(t *testing.T, line string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/releases.md")
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(page), "\n\n") {
		if !strings.HasPrefix(block, "    ") || !strings.Contains(block, line) {
			continue
		}
		return strings.ReplaceAll("\n"+strings.TrimSuffix(block, "\n"), "\n    ", "\n")[1:] + "\n"
	}
	t.Fatalf("no block has %q", line)
	return ""
}

func sampleOfStatus(t *testing.T) {
	t.Parallel()
	r := deployed()
	r.Status.Hooks = []release.Hook{
		job("pre-upgrade", "migrate", release.HookSucceeded), job("test", "front-page", release.HookSucceeded), job("test", "checkout", release.HookSucceeded),
	}
	for i, took := range []time.Duration{42100 * time.Millisecond, 2100 * time.Millisecond, time.Second} {
		h := &r.Status.Hooks[i]
		h.ElapsedMS, h.StartedAt, h.FinishedAt = took.Milliseconds(), moment(5*time.Minute+took), moment(5*time.Minute)
	}
	r.Status.Hooks[0].Attempts = 2
	r.Status.Resources = []release.Resource{
		{APIVersion: "v1", Kind: "ConfigMap", Namespace: "web", Name: "shop", Role: release.Regular},
		{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "web", Name: "shop", Role: release.Regular},
	}
	live := []printers.Live{{Condition: "Ready"}, {
		Condition: "NotReady", Message: `Waiting for deployment "shop" rollout to finish: 0 of 1 updated replicas are available`,
		Reasons: []string{`Pod/shop-5d9c7: container "shop" is waiting: ImagePullBackOff: Back-off pulling image "shop:2"`},
	}}
	var out bytes.Buffer
	if err := printers.Status(&out, printers.StatusView{Release: r, Live: live, Now: noon()}); err != nil {
		t.Fatal(err)
	}
	// How wide the first column is depends on what stands above.
	narrow := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	if want := sample(t, "Tests:"); !strings.HasSuffix(narrow(out.String()), narrow(want)) {
		t.Errorf("the documentation has\n%s\nand it prints\n%s", want, out.String())
	}
}

func sampleOfDrift(t *testing.T) {
	t.Parallel()
	set := metav1.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC)
	spec := func(more ...any) fieldpath.Path { return fieldpath.MakePathOrDie(append([]any{"spec"}, more...)...) }
	found := printers.Drift{Namespace: "web", Objects: []drift.Object{
		{Ref: corev1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: "web", Name: "extra"}, Missing: true},
		{Ref: corev1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "web", Name: "web"}, Fields: []drift.Field{
			{Path: spec("replicas"), Recorded: 2, Live: 5, By: &drift.Change{Manager: "kubectl", Subresource: "scale"}},
			{
				Path:     spec("template", "spec", "containers", fieldpath.KeyByFields("name", "main"), "image"),
				Recorded: "nginx:1", Live: "nginx:9", By: &drift.Change{Manager: "kubectl-set", Time: &set},
			},
		}},
	}}
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	if err := found.Text(streams); err != nil {
		t.Fatal(err)
	}
	if want := sample(t, "configmap/extra missing"); out.String() != want {
		t.Errorf("the documentation has\n%s\nand it prints\n%s", want, out)
	}
}
