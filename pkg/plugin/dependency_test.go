package plugin_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDependency(t *testing.T) {
	t.Parallel()
	t.Run("a table, and JSON", dependenciesAreListed)
	t.Run("a pack without", aPackWithoutDependencies)
}

func dependenciesAreListed(t *testing.T) {
	t.Parallel()
	folder := writePack(t, map[string]string{
		"Pack.yaml":         "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: echo, version: 1.0.0}\ndependencies: [{name: db, version: ^2, tags: [a]}, {name: web}]\n",
		"packs/x/Pack.yaml": "apiVersion: sherpack/v1\nkind: library\nmetadata: {name: db, version: 2.1.0}\n",
		"packs/y/Pack.yaml": "apiVersion: sherpack/v1\nkind: library\nmetadata: {name: other, version: 2.1.0}\n",
	})
	stdout, stderr, code := run(t, "dep", "ls", folder)
	want := "NAME   VERSION   REPOSITORY   STATUS\ndb     ^2        <none>       unpacked\nweb    <none>    <none>       missing\n"
	if diff := cmp.Diff(want, stdout); diff != "" || code != 0 {
		t.Errorf("exit code %d, (-want +got):\n%s", code, diff)
	}
	if diff := cmp.Diff("warning: packs/y is rendered and is not among the dependencies of the pack\n", stderr); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	stdout, _, _ = run(t, "dependency", "list", folder, "-o", "json")
	var got struct{ Dependencies []map[string]any }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]map[string]any{
		{"name": "db", "version": "^2", "tags": []any{"a"}, "status": "unpacked", "found": "2.1.0"}, {"name": "web", "status": "missing"},
	}, got.Dependencies); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func aPackWithoutDependencies(t *testing.T) {
	t.Parallel()
	folder := writePack(t, nil)
	for _, test := range []struct{ command, want string }{
		{"list", "No dependencies found.\n"}, {"update", "the dependencies are up to date\n"}, {"build", "the dependencies are up to date\n"},
	} {
		stdout, stderr, code := run(t, "dependency", test.command, folder)
		if stdout != test.want || stderr != "" || code != 0 {
			t.Errorf("%s: exit code %d: %s%s", test.command, code, stdout, stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "Pack.lock")); err == nil {
		t.Error("a lock was written")
	}
	stdout, _, _ := run(t, "dependency", "list", folder, "-o", "json")
	if !strings.Contains(stdout, `"dependencies": []`) {
		t.Errorf("got %s", stdout)
	}
}
