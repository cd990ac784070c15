package plugin_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lint"
)

func TestUnreadValues(t *testing.T) {
	t.Parallel()
	t.Run("what looks mistyped is refused, all else is a warning", unreadValuesAreTold)
	t.Run("of many values some are told", manyUnreadValues)
	t.Run("they are findings of lint", unreadValuesAreFindings)
}

// writeReader writes a pack that reads replicas alone, and a file of values.
func writeReader(t *testing.T, values string) (folder, file string) {
	t.Helper()
	folder = writePack(t, map[string]string{
		"values.yaml": "replicas: 1\n", "templates/job.yaml": "", "more.yaml": values,
		"templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: '{{ values.replicas }}'}\n",
	})
	return folder, filepath.Join(folder, "more.yaml")
}

func unreadValuesAreTold(t *testing.T) {
	t.Parallel()
	folder, file := writeReader(t, "# shared\nreplcas: 1\n")
	const near = `the pack reads no such value; did you mean "replicas"?` + "\n"
	for title, test := range map[string]struct {
		args   []string
		code   int
		stderr string
	}{
		"one that is read":     {args: []string{"--set", "replicas=2", "--strict-values"}},
		"on the command line":  {args: []string{"--set", "replcas=2"}, code: 2, stderr: "error: --set replcas: " + near},
		"in a file":            {args: []string{"-f", file}, stderr: "warning: FILE:2: replcas: " + near},
		"in a file, strictly":  {args: []string{"-f", file, "--strict-values"}, code: 2, stderr: "error: FILE:2: replcas: " + near},
		"far from any":         {args: []string{"--set", "other=2"}, stderr: "warning: --set other: the pack reads no such value\n"},
		"far from any, strict": {args: []string{"--set", "other=2", "--strict-values"}, code: 2, stderr: "error: --set other: the pack reads no such value\n"},
		"both":                 {args: []string{"-f", file, "--set", "replicsa=2"}, code: 2, stderr: "error: --set replicsa: " + near},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			for _, command := range [][]string{{"template", "shop"}, {"images"}} {
				stdout, stderr, code := run(t, append(append(command, folder, "--kubeconfig", os.DevNull), test.args...)...)
				if diff := cmp.Diff(test.stderr, strings.ReplaceAll(stderr, file, "FILE")); code != test.code || diff != "" {
					t.Errorf("%s: exit code %d, stdout %q, stderr (-want +got):\n%s", command[0], code, stdout, diff)
				}
			}
			if test.code == 0 {
				return
			}
			// The cluster, which is not there, is not asked.
			_, stderr, code := run(t, append([]string{"install", "shop", folder, "--server=http://127.0.0.1:1"}, test.args...)...)
			if diff := cmp.Diff(test.stderr, strings.ReplaceAll(stderr, file, "FILE")); code != test.code || diff != "" {
				t.Errorf("install: exit code %d, stderr (-want +got):\n%s", code, diff)
			}
		})
	}
}

func manyUnreadValues(t *testing.T) {
	t.Parallel()
	var values strings.Builder
	for i := range 25 {
		fmt.Fprintf(&values, "any%02d: 1\n", i)
	}
	folder, file := writeReader(t, values.String())
	_, stderr, code := run(t, "template", "shop", folder, "--kubeconfig", os.DevNull, "-f", file)
	const more = "warning: the pack does not read 15 values more; to see all of them, use lint\n"
	if code != 0 || strings.Count(stderr, "\n") != 11 || !strings.HasSuffix(stderr, more) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func unreadValuesAreFindings(t *testing.T) {
	t.Parallel()
	folder, file := writeReader(t, "replcas: 1\n")
	for title, test := range map[string]struct {
		args []string
		code int
		want []string
	}{
		"a file":           {args: []string{"-f", file}, want: []string{"warning FILE 1"}},
		"a file, strictly": {args: []string{"-f", file, "--strict-values"}, code: 2, want: []string{"error FILE 1"}},
		"the command line": {args: []string{"--set", "replcas=1"}, code: 2, want: []string{"error --set replcas 0"}},
		"none are given":   {args: []string{"--strict"}, want: nil},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, append([]string{"lint", folder, "-o", "json"}, test.args...)...)
			var printed struct{ Findings []lint.Finding }
			if err := json.Unmarshal([]byte(stdout), &printed); err != nil || code != test.code {
				t.Fatalf("exit code %d, %v: %s", code, err, stderr)
			}
			var got []string
			for _, finding := range printed.Findings {
				if finding.Rule == lint.RuleUnread {
					got = append(got, fmt.Sprintf("%s %s %d", finding.Severity, strings.ReplaceAll(finding.File, file, "FILE"), finding.Line))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
