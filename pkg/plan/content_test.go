package plan_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestContent(t *testing.T) {
	t.Parallel()
	t.Run("objects get a namespace, a name and marks", objectsGetANamespaceANameAndMarks)
	t.Run("what can never work is refused", whatCanNeverWorkIsRefused)
	t.Run("names that lead elsewhere in a URL are refused", namesThatLeadElsewhereAreRefused)
	t.Run("an annotation is refused at its own line", anAnnotationIsRefusedAtItsOwnLine)
	t.Run("the folder of CRDs holds nothing else", crdFolderHoldsNothingElse)
	t.Run("a rollback restores what the folder of CRDs held", rollbackRestoresCRDFolder)
	t.Run("stringData is applied as data", stringdataIsAppliedAsData)
}

func objectsGetANamespaceANameAndMarks(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "Namespace", "extra") + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n---\n" +
		plantest.Object("v1", "ConfigMap", "b") + "apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: shop-once-\n  annotations: {sherpack.io/hook: pre-install}\n---\n" +
		"apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: shop-once-\n  annotations: {sherpack.io/hook: pre-install}\n"
	planned := mustNew(t, plantest.Installation(t, text, plan.Options{}))
	var got []string
	for _, step := range planned.Steps {
		for _, object := range step.Objects {
			got = append(got, object.GetNamespace()+"/"+object.GetName())
			if object.GetLabels()[plan.LabelManagedBy] != "sherpack" || object.GetLabels()[plan.LabelRelease] != "shop" ||
				object.GetAnnotations()[plan.AnnotationRelease] != "shop" || object.GetAnnotations()[plan.AnnotationNamespace] != "web" {
				t.Errorf("%s lacks marks: %v %v", object.Title(), object.GetLabels(), object.GetAnnotations())
			}
		}
		for _, h := range step.Hooks {
			got = append(got, h.Object.GetNamespace()+"/"+h.Object.GetName())
			if h.Object.GetAnnotations()[plan.AnnotationPhase] != "pre-install" || h.Object.GetGenerateName() != "" {
				t.Errorf("%s: %v", h.Title, h.Object.Object)
			}
		}
	}
	want := []string{"/extra", "web/shop-once-c6dd5", "web/shop-once-7aa6b", "other/a", "web/b"}
	if diff := cmp.Diff(len(want), len(got)); diff != "" {
		t.Fatal(diff)
	}
	if got[1] == got[2] || !strings.HasPrefix(got[1], "web/shop-once-") || len(got[1]) != len(want[1]) {
		t.Errorf("generated names: %v", got[1:3])
	}
	got[1], got[2] = want[1], want[2]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func whatCanNeverWorkIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"an unknown kind":                        {plantest.Object("v1", "Gadget", "a"), "templates/a.yaml:1: Gadget/a: the server has no kind Gadget in v1"},
		"generateName on a regular object":       {"apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n", "templates/a.yaml:1: ConfigMap/: metadata.generateName would create"},
		"an object twice":                        {plantest.Object("v1", "ConfigMap", "a") + plantest.Object("v1", "ConfigMap", "a"), "templates/a.yaml:5: ConfigMap/a: duplicate, first defined at templates/a.yaml:1"},
		"an object twice, once with namespace":   {plantest.Object("v1", "ConfigMap", "a") + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: web}\n", "duplicate, first defined at"},
		"a hook and a regular object":            {plantest.Hook("a", "test", "") + plantest.Object("batch/v1", "Job", "shop-a"), "duplicate, first defined at"},
		"two hooks with a common phase":          {plantest.Hook("a", "test,pre-install", "") + plantest.Hook("a", "post-install,test", ""), "duplicate, first defined at"},
		"a condition that says nothing":          {plantest.Hook("a", "pre-install,post-install", "    sherpack.io/ready-when: soon\n"), "sherpack.io/ready-when"},
		"a resource policy that is not known":    {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {sherpack.io/resource-policy: delete}}\n", `unknown value "delete"; valid: keep`},
		"a cluster-scoped object twice, any way": {plantest.Object("v1", "Namespace", "a") + "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, namespace: x}\n", "duplicate, first defined at"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := plan.New(plantest.Installation(t, test.text, plan.Options{}))
			var input *plan.InputError
			if !errors.As(err, &input) {
				t.Fatalf("no *InputError: %v", err)
			}
			if !strings.Contains(err.Error(), test.want) || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("got %q, want one line with %q", err, test.want)
			}
		})
	}
	if _, err := plan.New(plantest.Installation(t, plantest.Hook("a", "pre-install", "")+plantest.Hook("a", "post-install", ""), plan.Options{})); err != nil {
		t.Errorf("two hooks without a common phase: %v", err)
	}
}

func namesThatLeadElsewhereAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a name":      plantest.Object("v1", "ConfigMap", `".."`),
		"a namespace": strings.Replace(plantest.Object("v1", "ConfigMap", "a"), "{name: a", `{namespace: "a/b", name: a`, 1),
		"a hook":      strings.Replace(plantest.Hook("x", "pre-install", ""), "name: shop-x", "name: a%2Fb", 1),
	} {
		_, err := plan.New(plantest.Installation(t, text, plan.Options{}))
		var invalid *plan.InputError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "may not") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is wrong with an annotation is said with the line of that annotation, not with the first one of its object.
func anAnnotationIsRefusedAtItsOwnLine(t *testing.T) {
	t.Parallel()
	configMap := func(annotation string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    other: b\n    " + annotation + "\n"
	}
	for name, test := range map[string]struct{ text, want string }{
		"ready-when":                   {configMap("sherpack.io/ready-when: soon"), "templates/a.yaml:7: ConfigMap/a: sherpack.io/ready-when: "},
		"failed-when":                  {configMap("sherpack.io/failed-when: soon"), "templates/a.yaml:7: ConfigMap/a: sherpack.io/failed-when: "},
		"resource-policy":              {configMap("sherpack.io/resource-policy: drop"), `templates/a.yaml:7: ConfigMap/a: sherpack.io/resource-policy: unknown value "drop"; valid: keep`},
		"on-immutable":                 {configMap("sherpack.io/on-immutable: ignore"), `templates/a.yaml:7: ConfigMap/a: sherpack.io/on-immutable: unknown value "ignore"; valid: recreate`},
		"ready-when of a hook":         {plantest.Hook("a", "pre-install,post-install", "    sherpack.io/ready-when: soon\n"), "templates/a.yaml:7: Job/shop-a: sherpack.io/ready-when: "},
		"hook-needs, which is not":     {plantest.Hook("a", "pre-install,post-install", "    sherpack.io/hook-needs: secret/db\n"), "templates/a.yaml:7: Job/shop-a: sherpack.io/hook-needs: the pack has no resource secret/db"},
		"hook-needs, which is several": {plantest.Hook("a", "pre-install", "    sherpack.io/hook-needs: job/x\n") + plantest.Object("batch/v1", "Job", "x") + plantest.Object("v1", "Secret", "s"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := plan.New(plantest.Installation(t, test.text, plan.Options{}))
			var input *plan.InputError
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.As(err, &input) || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %s", err, test.want)
			}
		})
	}
}

func crdFolderHoldsNothingElse(t *testing.T) {
	t.Parallel()
	const definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: as.example.com}\n---\n"
	for name, test := range map[string]struct{ file, text, want string }{
		"a definition":                 {"crds/a.yaml", definition, ""},
		"a ConfigMap":                  {"crds/a.yaml", definition + plantest.Object("v1", "ConfigMap", "a"), "crds/a.yaml:5: ConfigMap/a: crds/ holds CustomResourceDefinitions only; move it to templates/"},
		"a hook":                       {"crds/sub/a.yaml", plantest.Hook("a", "pre-install", ""), "crds/sub/a.yaml:1: Job/shop-a: crds/ holds CustomResourceDefinitions only; move it to templates/"},
		"a ConfigMap in its place":     {"templates/crds/a.yaml", plantest.Object("v1", "ConfigMap", "a"), ""},
		"a definition in templates":    {"templates/a.yaml", definition, ""},
		"another kind called the same": {"crds/a.yaml", "apiVersion: example.com/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n", "crds/ holds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nodes, err := manifest.Decode(test.file, []byte(test.text), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, planErr := planNodes(release.OperationInstall, nodes, plan.Options{})
			for _, err := range []error{plan.Check(nodes, "web"), planErr} {
				var input *plan.InputError
				if test.want == "" && errors.As(err, &input) && strings.Contains(err.Error(), "crds/ holds") {
					t.Errorf("it is refused: %v", err)
				}
				if test.want != "" && (!errors.As(err, &input) || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("the error is %v", err)
				}
			}
		})
	}
}

func rollbackRestoresCRDFolder(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "a")
	request := plantest.Rollback(t, plantest.Revision(t, 1, release.Superseded, text), plantest.Revision(t, 2, release.Deployed, text))
	var err error
	if request.Nodes, err = manifest.Decode("crds/a.yaml", []byte(text), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := plan.New(request); err != nil {
		t.Error(err)
	}
}

// Regular Secrets and hooks are applied with data, as the API server would store them.
func stringdataIsAppliedAsData(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ given, want string }{
		"stringData":                     {`"stringData":{"a":"one"}`, `{"data":{"a":"b25l"}}`},
		"both":                           {`"data":{"a":"eA==","b":"dHdv"},"stringData":{"a":"one"}`, `{"data":{"a":"b25l","b":"dHdv"}}`},
		"none":                           {`"data":{"a":"eA=="}`, `{"data":{"a":"eA=="}}`},
		"nothing at all":                 {`"immutable":true`, `{"immutable":true}`},
		"an empty one":                   {`"stringData":{}`, `{}`},
		"null":                           {`"stringData":null,"data":null`, `{"data":null}`},
		"a null":                         {`"stringData":{"a":null}`, `{"data":{"a":""}}`},
		"bytes, as they are":             {`"stringData":{"a":"é\n"}`, `{"data":{"a":"w6kK"}}`},
		"a number, which is refused":     {`"stringData":{"a":1,"b":"x"}`, `{"stringData":{"a":1,"b":"x"}}`},
		"a list, which is refused":       {`"stringData":["a"]`, `{"stringData":["a"]}`},
		"data of no use, which is, too":  {`"stringData":{"a":"one"},"data":"x"`, `{"data":"x","stringData":{"a":"one"}}`},
		"data of any kind is left alone": {`"stringData":{"a":"one"},"data":{"b":7}`, `{"data":{"a":"b25l","b":7}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},` + test.given + "}\n---\n" +
				`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"b","annotations":{"sherpack.io/hook":"pre-install"}},` + test.given + "}\n---\n" +
				`{"apiVersion":"example.com/v1","kind":"Secret","metadata":{"name":"c"},"stringData":{"a":"one"}}`
			scopes := plantest.Scopes()
			for kind := range scopes {
				if kind.Kind == "Secret" {
					kind.Group = "example.com"
					scopes[kind] = true
				}
			}
			planned, err := plan.New(plan.Request{
				Operation: release.OperationInstall, Release: release.New("shop", "web", 1), Nodes: plantest.Nodes(t, text), Scopes: scopes,
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, step := range planned.Steps {
				for _, h := range step.Hooks {
					got = append(got, contentOf(t, h.Object.Object))
				}
				for _, object := range step.Objects {
					got = append(got, contentOf(t, object.Object))
				}
			}
			if diff := cmp.Diff([]string{test.want, test.want, `{"stringData":{"a":"one"}}`}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// contentOf is an object without what names it, as JSON.
func contentOf(t *testing.T, object map[string]any) string {
	t.Helper()
	content := map[string]any{}
	for key, value := range object {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata"}, key) {
			content[key] = value
		}
	}
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
