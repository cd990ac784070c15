package lint_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lint"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

func TestLint(t *testing.T) {
	t.Parallel()
	t.Run("a pack without mistakes", aPackWithoutMistakes)
	t.Run("every rule", everyRule)
	t.Run("values of the pack's own", valuesOfThePackItself)
	t.Run("what comes with all values names none", whatComesWithAllValues)
	t.Run("values that are given", valuesThatAreGiven)
	t.Run("an upgrade is rendered, too", anUpgradeIsRenderedToo)
	t.Run("a library only defines", aLibraryOnlyDefines)
	t.Run("a version that nobody asked for", aVersionThatNobodyAskedFor)
	t.Run("a pack that cannot be opened", aPackThatCannotBeOpened)
}

// files are those of a pack, by their paths. A Pack.yaml is added where there is none.
type files map[string]string

const metadata = "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: shop, version: 1.0.0}\n"

// open writes the files into a folder and opens that.
func (f files) open(t *testing.T) (source.Source, error) {
	t.Helper()
	folder := t.TempDir()
	if f[pack.MetadataFile] == "" && f[pack.ChartFile] == "" {
		f[pack.MetadataFile] = metadata
	}
	for name, text := range f {
		name = filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return source.Open(folder)
}

// findings returns what is found in a pack of these files, as text.
func (f files) findings(t *testing.T, given map[string]any) []string {
	t.Helper()
	return f.findingsFor(t, apis("v1.37.0"), given)
}

func (f files) findingsFor(t *testing.T, apis lint.APIs, given map[string]any) []string {
	t.Helper()
	p, err := f.open(t)
	if err != nil {
		t.Fatal(err)
	}
	found := texts(lint.Linter{APIs: apis, Engine: engine()}.Lint(p, pack.Given{Values: given}))
	for i := range found {
		found[i] = strings.ReplaceAll(found[i], p.Pack().Path, "FOLDER")
	}
	return found
}

func texts(findings []lint.Finding) []string {
	var texts []string
	for _, finding := range findings {
		texts = append(texts, finding.String())
	}
	return texts
}

// engine renders for a cluster that serves little.
func engine() render.Engine {
	return render.Engine{Capabilities: render.Capabilities{APIVersions: []string{"apps/v1"}}}
}

// apis are those of a cluster that was not asked.
func apis(kubernetes string) lint.APIs {
	return lint.APIs{Version: version.MustParseGeneric(kubernetes), Compiled: version.MustParseGeneric("v1.37.0"), Scheme: scheme.Scheme}
}

func aPackWithoutMistakes(t *testing.T) {
	t.Parallel()
	p, err := source.Open("../../examples/shop")
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(lint.Linter{APIs: apis("v1.37.0"), Engine: engine()}.Lint(p, pack.Given{})); len(got) > 0 {
		t.Errorf("found:\n%s", strings.Join(got, "\n"))
	}
}

// object is a document with a name and more.
func object(apiVersion, kind, name, more string) string {
	return "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata:\n  name: " + name + "\n" + more + "---\n"
}

func everyRule(t *testing.T) {
	t.Parallel()
	for _, rule := range lint.Rules() {
		// Packs with the first two cannot be opened, and the third is about values that are given.
		elsewhere := slices.Contains([]lint.Rule{lint.RulePack, lint.RuleSchema, lint.RuleUnread}, rule)
		if _, tried := mistakes()[string(rule)]; !tried && !elsewhere {
			t.Errorf("nothing is tried for %s", rule)
		}
	}
	for title, test := range mistakes() {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, test.files.findings(t, nil)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// mistake is a pack, and what is found in it.
type mistake struct {
	files files
	want  []string
}

// mistakes has one for each rule.
func mistakes() map[string]mistake {
	all := mistakesInObjects()
	maps.Copy(all, mistakesInDependencies())
	maps.Copy(all, map[string]mistake{
		"kube-version": {
			files{"Pack.yaml": strings.Replace(metadata, "1.0.0}", "1.0.0, kubeVersion: <1.30}", 1)},
			[]string{"Pack.yaml: error: the pack needs Kubernetes <1.30 and is linted for v1.37.0 (kube-version)"},
		},
		"values": {
			files{"values.yaml": "a: 1\nb: {c: 2}\n", "values.schema.json": `{"properties": {"b": {"properties": {"c": {"type": "string"}}}, "d": {}}, "required": ["d"]}`},
			[]string{"values.yaml: error: d: is required (values)", "values.yaml:2: error: b.c: is number, must be string (values)"},
		},
		"template": {
			files{"values.yaml": "name: a\n", "templates/a.yaml": "a:\n  b: {{ values.nmae }}\n", "templates/b.yaml": "{{ range }}\n"},
			[]string{"templates/b.yaml:1: error: {{ range }}: missing value for range (template)"},
		},
		"template, several of them": {
			files{"values.yaml": "name: a\n", "templates/a.yaml": "a:\n  b: {{ values.nmae }}\n", "templates/b.yaml": "c: {{ fail \"no\" }}\n"},
			[]string{
				"templates/a.yaml:2: error: {{ values.nmae }}: no such value nmae; did you mean name? (template)",
				"templates/b.yaml:1: error: {{ fail \"no\" }}: no (template)",
			},
		},
		"strict": {
			files{"Pack.yaml": metadata + "engine: {strict: false}\n", "templates/a.yaml": object("v1", "ConfigMap", "a", "data: {b: {{ values.c | quote }}}\n")},
			[]string{"templates/a.yaml:5: warning: {{ values.c | quote }}: no such value c (strict)"},
		},
		"chart": {
			files{
				"Chart.yaml":       "apiVersion: v2\nname: shop\nversion: 1.0.0\ndeprecated: true\n",
				"templates/a.yaml": object("v1", "ConfigMap", "a", "  annotations: {helm.sh/hook: pre-install, helm.sh/hook-weight: heavy}\n"),
			},
			[]string{
				"warning: chart shop is deprecated (chart)",
				`warning: shop/templates/a.yaml: ConfigMap/a: helm.sh/hook-weight: "heavy" is not a whole number; the weight is 0, as with Helm (chart)`,
			},
		},
	})
	return all
}

func mistakesInDependencies() map[string]mistake {
	return map[string]mistake{
		"dependency": {
			files{
				"Pack.yaml":          metadata + "dependencies: [{name: db, repository: ../db}]\n",
				"packs/db/Pack.yaml": strings.Replace(metadata, "shop", "db", 1), "packs/x/Pack.yaml": strings.Replace(metadata, "shop", "x", 1),
			},
			[]string{
				"Pack.yaml: warning: Pack.lock is missing or was written for other dependencies; run kubectl sherpack dependency update FOLDER (dependency)",
				"packs/x: warning: is rendered with the pack and is not among its dependencies in Pack.yaml (dependency)",
			},
		},
		"dependency, missing": {
			files{"Pack.yaml": metadata + "dependencies:\n- {name: db}\n- {name: web, version: ^2}\n", "packs/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"},
			[]string{
				"Pack.yaml:5: error: dependencies[0]: db is not in packs/; run kubectl sherpack dependency update FOLDER (dependency)",
				"Pack.yaml:6: error: dependencies[1]: web of version ^2 is not in packs/: packs/web has version 1.0.0; run kubectl sherpack dependency update FOLDER (dependency)",
			},
		},
		"dependency, an error in one": {
			files{
				"packs/db/Pack.yaml": strings.Replace(metadata, "shop", "db", 1) + "engine: {strict: false}\n", "packs/db/values.yaml": "a: 1\n",
				"packs/db/values.schema.json": `{"properties": {"a": {"type": "string"}}}`,
			},
			[]string{
				"packs/db: warning: is rendered with the pack and is not among its dependencies in Pack.yaml (dependency)",
				"packs/db/values.yaml:1: error: db.a: is number, must be string (values)",
			},
		},
	}
}

func mistakesInObjects() map[string]mistake {
	long := strings.Repeat("x", 60)
	return map[string]mistake{
		"manifest": {
			files{"templates/a.yaml": "# A comment.\nkind: ConfigMap\nmetadata: {name: a}\n"},
			[]string{"templates/a.yaml:2: error: ConfigMap/a: not a Kubernetes object: no apiVersion (manifest)"},
		},
		"object": {
			files{"templates/a.yaml": object("v1", "ConfigMap", "a", "") + object("v1", "ConfigMap", "a", "")},
			[]string{"templates/a.yaml:6: error: ConfigMap/a: duplicate, first defined at templates/a.yaml:1 (object)"},
		},
		"annotation": {
			files{"templates/a.yaml": object("batch/v1", "Job", "a", "  annotations:\n    sherpack.io/hook: pre-instal\n    sherpack.io/hook-weight: first\n")},
			[]string{
				"templates/a.yaml:6: error: Job/a: sherpack.io/hook: unknown phase \"pre-instal\"; valid phases: pre-install, post-install, pre-upgrade, post-upgrade, pre-rollback, post-rollback, pre-delete, post-delete, test; did you mean pre-install? (annotation)",
				"templates/a.yaml:7: error: Job/a: sherpack.io/hook-weight: weight \"first\" is not an integer; valid weights: whole numbers such as \"-5\", \"0\" or \"10\" (annotation)",
			},
		},
		"hook-never-ends": {
			files{"templates/a.yaml": object("v1", "Pod", "a", "  annotations: {sherpack.io/hook: test}\nspec: {}\n")},
			[]string{"templates/a.yaml:1: warning: Pod/a: its restartPolicy is Always, so it never ends: set it to Never or OnFailure, or say with sherpack.io/ready-when when it is done (hook-never-ends)"},
		},
		"name-too-long": {
			files{"templates/a.yaml": object("batch/v1", "Job", long+"long", "") + object("batch/v1", "Job", "{{ release.name }}-a-test-of-it", "") +
				object("v1", "ConfigMap", "{{ release.name }}-a-test-of-it", "") + object("batch/v1", "CronJob", "{{ release.name }}", "")},
			[]string{
				"templates/a.yaml:1: error: Job/" + long + "long: the name has 64 characters; the name of a Job may have 63, because it becomes a label of the Pods (name-too-long)",
				"templates/a.yaml:6: warning: Job/RELEASE-a-test-of-it: with the longest name that a release may have (53 characters), the name has 66 characters; the name of a Job may have 63, because it becomes a label of the Pods (name-too-long)",
				"templates/a.yaml:16: warning: CronJob/RELEASE: with the longest name that a release may have (53 characters), the name has 53 characters; the name of a CronJob may have 52, because those of its Jobs are longer by 11 (name-too-long)",
			},
		},
		"missing-reference": {
			files{"templates/a.yaml": object("v1", "Pod", "a", "spec:\n  serviceAccountName: sa\n  volumes:\n  - name: v\n    secret:\n      secretName: s\n")},
			[]string{
				"templates/a.yaml:6: warning: Pod/a: refers to ServiceAccount/sa, which is not in the pack (missing-reference)",
				"templates/a.yaml:10: warning: Pod/a: refers to Secret/s, which is not in the pack (missing-reference)",
			},
		},
		"api-not-served": {
			files{"templates/a.yaml": object("policy/v1beta1", "PodDisruptionBudget", "a", "")},
			[]string{"templates/a.yaml:1: error: PodDisruptionBudget/a: policy/v1beta1/PodDisruptionBudget is not served since Kubernetes 1.25; use policy/v1/PodDisruptionBudget (api-not-served)"},
		},
		"api-deprecated": {
			files{"templates/a.yaml": object("v1", "Endpoints", "a", "")},
			[]string{"templates/a.yaml:1: warning: Endpoints/a: v1/Endpoints is deprecated since Kubernetes 1.33; use discovery.k8s.io/v1/EndpointSlice (api-deprecated)"},
		},
	}
}

func valuesOfThePackItself(t *testing.T) {
	t.Parallel()
	got := files{
		"values.schema.json":   `{"required": ["name"], "properties": {"size": {"type": "integer"}}}`,
		"templates/a.yaml":     object("v1", "ConfigMap", "{{ values.name }}", "data: {a: {{ values.text }}}\n") + "{{ if values.big }}{{ fail \"too big\" }}{{ end }}\n",
		"ci/a-values.yaml":     "name: a\n",
		"ci/b-values.yaml":     "name: b\ntext: b\nbig: true\n",
		"ci/c-values.yaml":     "name: c\nsize: large\n",
		"ci/d.yaml":            "nothing: of that\n",
		"ci/sub/e-values.yaml": "nothing: of that\n",
	}.findings(t, nil)
	want := []string{
		"ci/c-values.yaml:2: error: size: is string, must be integer (values)",
		"templates/a.yaml:5: error: {{ values.text }}: no such value text (template, with ci/a-values.yaml)",
		"templates/a.yaml:7: error: {{ fail \"too big\" }}: too big (template, with ci/b-values.yaml)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func whatComesWithAllValues(t *testing.T) {
	t.Parallel()
	got := files{
		"templates/a.yaml": object("v1", "Endpoints", "a", "") + "{{ if values.job }}" + object("batch/v1beta1", "CronJob", "b", "") + "{{ end }}",
		"ci/a-values.yaml": "", "ci/b-values.yaml": "job: true\n",
	}.findings(t, nil)
	want := []string{
		"templates/a.yaml:1: warning: Endpoints/a: v1/Endpoints is deprecated since Kubernetes 1.33; use discovery.k8s.io/v1/EndpointSlice (api-deprecated)",
		"templates/a.yaml:6: error: CronJob/b: batch/v1beta1/CronJob is not served since Kubernetes 1.25; use batch/v1/CronJob (api-not-served, with ci/b-values.yaml)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func valuesThatAreGiven(t *testing.T) {
	t.Parallel()
	pack := files{
		"templates/a.yaml": object("v1", "ConfigMap", "{{ values.name }}", "data: {a: {{ values.text }}}\n"), "ci/a-values.yaml": "name: a\n",
	}
	if got := pack.findings(t, map[string]any{"name": "b", "text": "c"}); got != nil {
		t.Errorf("found %v", got)
	}
	want := []string{"templates/a.yaml:5: error: {{ values.text }}: no such value text (template)"}
	if diff := cmp.Diff(want, pack.findings(t, map[string]any{"name": "b"})); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func anUpgradeIsRenderedToo(t *testing.T) {
	t.Parallel()
	got := files{"templates/a.yaml": "{{ if release.isUpgrade }}{{ values.a }}{{ end }}\n{{ if release.isInstall }}{{ values.b }}{{ end }}\n"}.findings(t, nil)
	want := []string{
		"templates/a.yaml:1: error: {{ values.a }}: no such value a (template)",
		"templates/a.yaml:2: error: {{ values.b }}: no such value b (template)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func aLibraryOnlyDefines(t *testing.T) {
	t.Parallel()
	got := files{
		"Pack.yaml":         strings.Replace(metadata, "application", "library", 1),
		"templates/_a.tpl":  "{{ define \"a\" }}{{ qoute 1 }}{{ end }}",
		"templates/b.yaml":  "{{ values.of.the.user }}",
		"templates/_b.yaml": "{{ values.of.the.user }}",
	}.findings(t, nil)
	want := []string{"templates/_a.tpl:1: error: {{ qoute 1 }}: no such function qoute; did you mean quote? (template)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func aVersionThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	p, err := files{"Pack.yaml": strings.Replace(metadata, "1.0.0}", "1.0.0, kubeVersion: '>=2'}", 1)}.open(t)
	if err != nil {
		t.Fatal(err)
	}
	got := texts(lint.Linter{APIs: apis("v1.37.0"), Assumed: true, Engine: engine()}.Lint(p, pack.Given{}))
	want := []string{"Pack.yaml: warning: the pack needs Kubernetes >=2 and is linted for v1.37.0 (kube-version)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func aPackThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	_, err := files{
		"Pack.yaml": metadata + "engin: {strict: true}\n", "values.yaml": "a: 1\na: 2\n", "values.schema.json": `{"type": "objekt"}`, "charts/a": "",
	}.open(t)
	var invalid *pack.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	folder, _, _ := strings.Cut(err.Error(), "/charts: ")
	got := texts(lint.Invalid(folder+"/", invalid))
	want := []string{
		"Pack.yaml:4: error: engin: unknown key; did you mean engine? (pack)",
		"charts: error: has a: Helm",
		"values.schema.json:1: error: type: ",
		"values.yaml:2: error: duplicate key \"a\"",
	}
	if len(got) != len(want) {
		t.Fatalf("found %q", got)
	}
	for i, text := range want {
		if !strings.HasPrefix(got[i], text) {
			t.Errorf("found %q, want %q", got[i], text)
		}
	}
}
