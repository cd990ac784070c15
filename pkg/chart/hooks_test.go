package chart

import (
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

func TestHooks(t *testing.T) {
	t.Parallel()
	t.Run("are read as Helm reads them", hooksAreReadAsHelmReadsThem)
	t.Run("a phase that does not exist is left to be refused", unknownPhasesAreRefused)
	t.Run("what Helm ignores is a warning", whatHelmIgnoresIsAWarning)
	t.Run("crd-install is a plain definition", crdInstallIsADefinition)
	t.Run("a crd-install definition counts as one in crds/", crdInstallCountsAsCRDs)
	t.Run("annotations of ours work, too", annotationsOfOursWork)
	t.Run("no annotations", noAnnotations)
}

// hookOf renders one Job with these annotations, a line each.
func hookOf(t *testing.T, annotations ...string) (*yaml.RNode, *render.Result) {
	t.Helper()
	result := rendered(t, read(t, head+"-- templates/a.yaml --\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: a\n  annotations:\n    "+strings.Join(annotations, "\n    ")+"\n"), "")
	if len(result.Nodes) != 1 {
		t.Fatalf("%d objects", len(result.Nodes))
	}
	return result.Nodes[0], result
}

func hooksAreReadAsHelmReadsThem(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		annotations []string
		phases      []hook.Phase
		weight      int
		policies    []hook.DeletePolicy
	}{
		"plain":                {[]string{"helm.sh/hook: pre-install", `helm.sh/hook-weight: "-5"`, "helm.sh/hook-delete-policy: hook-succeeded"}, []hook.Phase{hook.PreInstall}, -5, []hook.DeletePolicy{hook.HookSucceeded}},
		"blanks and case":      {[]string{`helm.sh/hook: " Pre-Install , POST-upgrade"`, `helm.sh/hook-delete-policy: "Hook-Failed , before-hook-creation"`}, []hook.Phase{hook.PreInstall, hook.PostUpgrade}, 0, []hook.DeletePolicy{hook.HookFailed, hook.BeforeHookCreation}},
		"a test":               {[]string{"helm.sh/hook: test-success"}, []hook.Phase{hook.Test}, 0, []hook.DeletePolicy{hook.BeforeHookCreation}},
		"an unquoted weight":   {[]string{"helm.sh/hook: post-delete", "helm.sh/hook-weight: 7"}, []hook.Phase{hook.PostDelete}, 7, []hook.DeletePolicy{hook.BeforeHookCreation}},
		"a weight that is no":  {[]string{"helm.sh/hook: test", `helm.sh/hook-weight: "high"`}, []hook.Phase{hook.Test}, 0, []hook.DeletePolicy{hook.BeforeHookCreation}},
		"an empty weight":      {[]string{"helm.sh/hook: test", `helm.sh/hook-weight: ""`}, []hook.Phase{hook.Test}, 0, []hook.DeletePolicy{hook.BeforeHookCreation}},
		"a policy that is no":  {[]string{"helm.sh/hook: test", "helm.sh/hook-delete-policy: never,hook-failed"}, []hook.Phase{hook.Test}, 0, []hook.DeletePolicy{hook.HookFailed}},
		"none but such a one":  {[]string{"helm.sh/hook: test", "helm.sh/hook-delete-policy: never"}, []hook.Phase{hook.Test}, 0, []hook.DeletePolicy{hook.BeforeHookCreation}},
		"a null beside others": {[]string{"helm.sh/hook: test", "other: null"}, []hook.Phase{hook.Test}, 0, []hook.DeletePolicy{hook.BeforeHookCreation}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			node, _ := hookOf(t, test.annotations...)
			parsed, err := hook.Parse(node)
			check(t, err)
			equal(t, test.phases, parsed.Phases)
			equal(t, test.weight, parsed.Weight)
			equal(t, test.policies, parsed.Policies)
		})
	}
}

func unknownPhasesAreRefused(t *testing.T) {
	t.Parallel()
	for _, phases := range []string{"pre-instal", "test-failure", "pre-install,sometimes", `""`} {
		node, result := hookOf(t, "helm.sh/hook: "+phases)
		if _, _, err := hook.Split(result.Nodes); err == nil || !strings.Contains(err.Error(), "web/templates/a.yaml:6: Job/a: helm.sh/hook: unknown phase") {
			t.Errorf("%s: %v (%v)", phases, err, node.GetAnnotations())
		}
	}
}

func whatHelmIgnoresIsAWarning(t *testing.T) {
	t.Parallel()
	_, result := hookOf(t, "helm.sh/hook: test", `helm.sh/hook-weight: "high"`, "helm.sh/hook-delete-policy: never", "helm.sh/hook-output-log-policy: hook-failed,always", "helm.sh/resource-policy: Keep,forever")
	equal(t, []string{
		`web/templates/a.yaml: Job/a: helm.sh/hook-delete-policy: unknown word "never" is ignored, as with Helm; valid words: hook-succeeded, hook-failed, before-hook-creation`,
		`web/templates/a.yaml: Job/a: helm.sh/hook-output-log-policy: unknown word "always" is ignored, as with Helm; valid words: hook-succeeded, hook-failed`,
		`web/templates/a.yaml: Job/a: helm.sh/resource-policy: unknown word "forever" is ignored, as with Helm; valid words: keep`,
		`web/templates/a.yaml: Job/a: helm.sh/hook-weight: "high" is not a whole number; the weight is 0, as with Helm`,
	}, result.Warnings)
}

func crdInstallIsADefinition(t *testing.T) {
	t.Parallel()
	node, result := hookOf(t, "helm.sh/hook: crd-install", "helm.sh/hook-delete-policy: before-hook-creation", `helm.sh/hook-weight: "1"`, "other: kept")
	equal(t, map[string]string{"other": "kept"}, withoutPath(node.GetAnnotations()))
	equal(t, []string{"web/templates/a.yaml: Job/a: helm.sh/hook: crd-install is a hook of Helm 2; applied as a definition, before the resources that need it"}, result.Warnings)
}

// Such a definition counts as one in crds/, also beside the same one there.
func crdInstallCountsAsCRDs(t *testing.T) {
	t.Parallel()
	definition := "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: a\n"
	hooked := head + "-- templates/a.yaml --\n" + definition + "  annotations: {helm.sh/hook: crd-install}\n"
	nodes := rendered(t, read(t, hooked), "").Nodes
	equal(t, 1, len(nodes))
	equal(t, map[string]string{hook.ChartDefinition: "crd-install"}, withoutPath(nodes[0].GetAnnotations()))
	nodes = rendered(t, read(t, hooked+"-- crds/a.yaml --\n"+definition), "").Nodes
	equal(t, 1, len(nodes))
	equal(t, map[string]string{}, withoutPath(nodes[0].GetAnnotations()))
}

// withoutPath are annotations without the one that says where a resource stands.
func withoutPath(annotations map[string]string) map[string]string {
	delete(annotations, kioutil.PathAnnotation)
	return annotations
}

func annotationsOfOursWork(t *testing.T) {
	t.Parallel()
	node, result := hookOf(t, "sherpack.io/hook: pre-upgrade", "sherpack.io/hook-timeout: 90s", "sherpack.io/hook-weight: 3")
	parsed, err := hook.Parse(node)
	check(t, err)
	equal(t, []hook.Phase{hook.PreUpgrade}, parsed.Phases)
	equal(t, 3, parsed.Weight)
	equal(t, []string(nil), result.Warnings)
}

func noAnnotations(t *testing.T) {
	t.Parallel()
	c := read(t, head+"-- templates/a.yaml --\n"+object("ConfigMap", "a")+"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  annotations:\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  annotations: {}\n")
	result := rendered(t, c, "")
	equal(t, 3, len(result.Nodes))
	hooks, regular, err := hook.Split(result.Nodes)
	check(t, err)
	equal(t, []int{0, 3}, []int{len(hooks), len(regular)})
}

func FuzzAnnotations(f *testing.F) {
	f.Add("pre-install", "5", "hook-failed", "hook-succeeded", "keep")
	f.Add(" PRE-install ,, crd-install", "-0x1", "never ,hook-failed", "", "\x00")
	f.Fuzz(func(t *testing.T, phases, weight, policies, logs, resource string) {
		node := yaml.NewMapRNode(nil)
		check(t, node.SetAnnotations(map[string]string{
			"helm.sh/hook": phases, "helm.sh/hook-weight": weight, "helm.sh/hook-delete-policy": policies,
			"helm.sh/hook-output-log-policy": logs, "helm.sh/resource-policy": resource,
		}))
		var first, again reading
		check(t, first.annotations(node))
		before := node.MustString()
		// What was read once is read as it is.
		check(t, again.annotations(node))
		if after := node.MustString(); after != before || len(again.warnings) > 0 {
			t.Errorf("read twice:\n%s\n%s\n%q", before, after, again.warnings)
		}
	})
}
