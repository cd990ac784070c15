package plugin_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lint"
)

func TestLint(t *testing.T) {
	t.Parallel()
	t.Run("its exit code tells whether a pack is fit", exitCodesOfLint)
	t.Run("JSON is a document with all findings", jsonOfLint)
	t.Run("templates are told what the version serves", templatesAreToldWhatIsServed)
	t.Run("without a version it is one that fits the pack", withoutAVersionItIsOneThatFits)
	t.Run("the page about packs lists the rules", thePageAboutPacksListsTheRules)
}

const budget = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n"

func exitCodesOfLint(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		files          map[string]string
		args           []string
		code           int
		stdout, stderr string
	}{
		"no mistakes":   {stderr: "pack FOLDER has no errors and 0 warnings\n"},
		"a warning":     {files: map[string]string{"templates/a.yaml": budget}, args: []string{"--kube-version=1.24"}, stdout: "templates/a.yaml:1: warning: ", stderr: "pack FOLDER has no errors and 1 warning\n"},
		"a strict look": {files: map[string]string{"templates/a.yaml": budget}, args: []string{"--kube-version=1.24", "--strict"}, code: 2, stdout: "templates/a.yaml:1: warning: ", stderr: "error: pack FOLDER has 0 errors and 1 warning\n"},
		"an error":      {files: map[string]string{"templates/a.yaml": budget}, code: 2, stdout: "templates/a.yaml:1: error: ", stderr: "error: pack FOLDER has 1 error and 0 warnings\n"},
		"a definition": {
			files: map[string]string{"templates/a.yaml": "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n"}, code: 2,
			stdout: "templates/a.yaml:1: error: CustomResourceDefinition/a: apiextensions.k8s.io/v1beta1/CustomResourceDefinition is not served since Kubernetes 1.22; use apiextensions.k8s.io/v1/CustomResourceDefinition",
			stderr: "error: ",
		},
		"metadata":          {files: map[string]string{"Pack.yaml": "a: 1\n"}, code: 2, stdout: "Pack.yaml:1: error: ", stderr: "error: pack FOLDER has 5 errors and 0 warnings\n"},
		"values":            {args: []string{"--set", "a="}, stderr: "pack FOLDER has no errors and 0 warnings\n"},
		"values of no form": {args: []string{"--set", "a[=1"}, code: 2, stderr: "error: --set a[=…: a [ is not closed\n"},
		"no such version":   {args: []string{"--kube-version", "new"}, code: 2, stderr: "error: --kube-version \"new\": "},
		"no such form":      {args: []string{"-o", "xml"}, code: 2, stderr: "error: --output \"xml\": must be 'yaml' or 'json'\n"},
		"two clusters":      {args: []string{"--use-cluster", "--api-versions=a/v1"}, code: 2, stderr: "error: --use-cluster and --api-versions cannot be used together\n"},
		"no cluster":        {args: []string{"--use-cluster", "--server=http://127.0.0.1:1"}, code: 5, stderr: "error: "},
		"no pack":           {args: []string{"--use-cluster", "--server=http://127.0.0.1:1"}, files: map[string]string{"Pack.yaml": ""}, code: 2, stdout: "Pack.yaml: error: apiVersion: ", stderr: "error: pack FOLDER has 4 errors"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			folder := writePack(t, test.files)
			stdout, stderr, code := run(t, append([]string{"lint", folder, "--kubeconfig", os.DevNull}, test.args...)...)
			stderr = strings.ReplaceAll(stderr, folder, "FOLDER")
			if code != test.code || !strings.HasPrefix(stdout, test.stdout) || (stdout == "") != (test.stdout == "") || !strings.HasPrefix(stderr, test.stderr) {
				t.Errorf("exit code %d, want %d; it prints %q and %q", code, test.code, stdout, stderr)
			}
		})
	}
}

func jsonOfLint(t *testing.T) {
	t.Parallel()
	type document struct {
		Pack             string
		Errors, Warnings int
		Findings         []map[string]any
	}
	folder := writePack(t, map[string]string{"templates/a.yaml": budget})
	stdout, _, code := run(t, "lint", folder, "-o", "json", "--kubeconfig", os.DevNull)
	var got document
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 2 {
		t.Fatalf("exit code %d, %v: %s", code, err, stdout)
	}
	want := document{Pack: folder, Errors: 1, Findings: []map[string]any{{
		"severity": "error", "rule": "api-not-served", "file": "templates/a.yaml", "line": 1.0,
		"message": "PodDisruptionBudget/a: policy/v1beta1/PodDisruptionBudget is not served since Kubernetes 1.25; use policy/v1/PodDisruptionBudget",
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	folder = writePack(t, nil)
	stdout, stderr, code := run(t, "lint", folder, "-o", "yaml", "--kubeconfig", os.DevNull)
	if diff := cmp.Diff("errors: 0\nfindings: []\npack: "+folder+"\nwarnings: 0\n", stdout); diff != "" || code != 0 || stderr != "" {
		t.Errorf("exit code %d, %s (-want +got):\n%s", code, stderr, diff)
	}
}

func templatesAreToldWhatIsServed(t *testing.T) {
	t.Parallel()
	folder := writePack(t, map[string]string{"templates/a.yaml": `{{ $version := ternary "policy/v1" "policy/v1beta1" (capabilities.apiVersions.has "policy/v1/PodDisruptionBudget") -}}
apiVersion: {{ $version }}
kind: PodDisruptionBudget
metadata: {name: a}
{{ if not (capabilities.apiVersions.has "example.com/v1") }}{{ fail "no example" }}{{ end }}
`})
	for kubernetes, want := range map[string]string{"1.20": "", "1.21": "", "1.37": ""} {
		stdout, stderr, code := run(t, "lint", folder, "--kubeconfig", os.DevNull, "--kube-version", kubernetes, "--api-versions", "example.com/v1")
		if code != 0 || stdout != want {
			t.Errorf("%s: exit code %d: %s%s", kubernetes, code, stdout, stderr)
		}
	}
}

func withoutAVersionItIsOneThatFits(t *testing.T) {
	t.Parallel()
	for constraint, want := range map[string]string{
		"<1.25":        "templates/a.yaml:1: warning: PodDisruptionBudget/a: policy/v1beta1/PodDisruptionBudget is deprecated",
		">=1.20 <1.23": "templates/a.yaml:1: warning: PodDisruptionBudget/a: policy/v1beta1/PodDisruptionBudget is deprecated",
		">=1.30":       "templates/a.yaml:1: error: PodDisruptionBudget/a: policy/v1beta1/PodDisruptionBudget is not served",
		">=1.99":       "Pack.yaml: warning: the pack needs Kubernetes >=1.99 and is linted for ",
	} {
		folder := writePack(t, map[string]string{
			"templates/a.yaml": budget,
			"Pack.yaml":        "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: echo, version: 1.0.0, kubeVersion: '" + constraint + "'}\n",
		})
		if stdout, stderr, _ := run(t, "lint", folder, "--kubeconfig", os.DevNull); !strings.HasPrefix(stdout, want) {
			t.Errorf("%s: it prints %s%s", constraint, stdout, stderr)
		}
	}
}

func thePageAboutPacksListsTheRules(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/packs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| rule | severity | what it finds |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var listed []lint.Rule
	for line := range strings.Lines(table) {
		rule, _, _ := strings.Cut(strings.TrimPrefix(line, "| `"), "`")
		listed = append(listed, lint.Rule(rule))
	}
	if diff := cmp.Diff(lint.Rules(), listed); diff != "" {
		t.Errorf("rules (-code +page):\n%s", diff)
	}
}
