package hook_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	t.Run("hooks are taken out in their order", hooksAreTakenOutInTheirOrder)
	t.Run("there may be only hooks, or none", onlyHooksOrNone)
	t.Run("definitions are no hooks", definitionsAreNoHooks)
}

func hooksAreTakenOutInTheirOrder(t *testing.T) {
	t.Parallel()
	nodes := []*yaml.RNode{
		resource(t, "Deployment", "web"),
		resource(t, "Job", "late", "sherpack.io/hook: pre-install", `sherpack.io/hook-weight: "10"`),
		resource(t, "Job", "b", "sherpack.io/hook: pre-install,test"),
		resource(t, "ConfigMap", "app"),
		resource(t, "Job", "a", "sherpack.io/hook: pre-install"),
		resource(t, "ServiceAccount", "z", "helm.sh/hook: pre-install"),
		resource(t, "Job", "early", "sherpack.io/hook: pre-install", `sherpack.io/hook-weight: "-5"`),
	}
	hooks, regular, err := hook.Split(nodes)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Deployment/web", "ConfigMap/app"}, names(regular)); diff != "" {
		t.Error(diff)
	}
	for phase, want := range map[hook.Phase][]string{
		hook.PreInstall:  {"Job/early", "ServiceAccount/z", "Job/a", "Job/b", "Job/late"},
		hook.Test:        {"Job/b"},
		hook.PostInstall: nil,
	} {
		var got []string
		for _, h := range inPhase(hooks, phase) {
			got = append(got, h.Node.GetKind()+"/"+h.Node.GetName())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", phase, diff)
		}
	}
}

// In charts of Helm 2 definitions were hooks; other resources with that phase are mistakes.
func definitionsAreNoHooks(t *testing.T) {
	t.Parallel()
	definition := resource(t, "CustomResourceDefinition", "a", "helm.sh/hook: CRD-Install", "helm.sh/hook-delete-policy: before-hook-creation")
	if err := definition.PipeE(yaml.SetField("apiVersion", yaml.NewStringRNode("apiextensions.k8s.io/v1"))); err != nil {
		t.Fatal(err)
	}
	hooks, regular, err := hook.Split([]*yaml.RNode{definition})
	if err != nil || len(hooks) > 0 || len(regular) != 1 || hook.CheckWords(regular) != nil {
		t.Errorf("hooks %v, others %v: %v", hooks, regular, err)
	}
	for _, lines := range []string{"sherpack.io/hook: crd-install", "helm.sh/hook: crd-install"} {
		if _, _, err := hook.Split([]*yaml.RNode{resource(t, "ConfigMap", "a", lines)}); err == nil {
			t.Errorf("%s is accepted", lines)
		}
	}
}

func names(nodes []*yaml.RNode) []string {
	var found []string
	for _, node := range nodes {
		found = append(found, node.GetKind()+"/"+node.GetName())
	}
	return found
}

func inPhase(hooks []hook.Hook, phase hook.Phase) []hook.Hook {
	return slices.DeleteFunc(slices.Clone(hooks), func(h hook.Hook) bool { return !h.In(phase) })
}

func onlyHooksOrNone(t *testing.T) {
	t.Parallel()
	only, regular, err := hook.Split([]*yaml.RNode{resource(t, "Job", "a", "sherpack.io/hook: test")})
	if err != nil || len(only) != 1 || len(regular) != 0 {
		t.Errorf("only hooks: got %d hooks, %d regular, %v", len(only), len(regular), err)
	}
	none, regular, err := hook.Split([]*yaml.RNode{resource(t, "ConfigMap", "a")})
	if err != nil || len(none) != 0 || len(regular) != 1 {
		t.Errorf("no hooks: got %d hooks, %d regular, %v", len(none), len(regular), err)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	t.Run("they work in a kyaml pipeline", filtersWorkInAKyamlPipeline)
}

func filtersWorkInAKyamlPipeline(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	pipeline := kio.Pipeline{
		Inputs: []kio.Reader{kio.ResourceNodeSlice{
			resource(t, "ConfigMap", "app"),
			resource(t, "Job", "b", "sherpack.io/hook: test"),
			resource(t, "Job", "a", "sherpack.io/hook: test"),
		}},
		Filters: []kio.Filter{hook.Select{}, hook.Order{}},
		Outputs: []kio.Writer{kio.ByteWriter{Writer: &out}},
	}
	if err := pipeline.Execute(); err != nil {
		t.Fatal(err)
	}
	want := "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: a\n  annotations:\n    sherpack.io/hook: test\n---\n" +
		"apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: b\n  annotations:\n    sherpack.io/hook: test\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
