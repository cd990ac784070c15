package plugin_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShow(t *testing.T) {
	t.Parallel()
	t.Run("files as they are", filesAsTheyAre)
	t.Run("what a pack does not have", whatAPackDoesNotHave)
	t.Run("nothing that a terminal obeys", nothingThatATerminalObeys)
}

func filesAsTheyAre(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"values.yaml": "# A comment.\na:   1\n", "README.md": "# Echo\n", "values.schema.yaml": "{} # anything\n",
		"Pack.yaml": "# The pack.\napiVersion: sherpack/v1\nkind: library\nmetadata: {name: echo, version: 1.0.0}\n",
	}
	folder := writePack(t, files)
	for name, file := range map[string]string{"values": "values.yaml", "readme": "README.md", "schema": "values.schema.yaml", "metadata": "Pack.yaml"} {
		stdout, stderr, code := run(t, "show", name, folder)
		if diff := cmp.Diff(files[file], stdout); diff != "" || code != 0 || stderr != "" {
			t.Errorf("%s: exit code %d, %s (-want +got):\n%s", name, code, stderr, diff)
		}
	}
}

func whatAPackDoesNotHave(t *testing.T) {
	t.Parallel()
	folder := writePack(t, nil)
	for name, file := range map[string]string{"readme": "README.md", "schema": "values.schema.json"} {
		stdout, stderr, code := run(t, "show", name, folder)
		if code != 0 || stdout != "" || stderr != "pack echo has no "+file+"\n" {
			t.Errorf("%s: exit code %d, it prints %q and %q", name, code, stdout, stderr)
		}
	}
}

func nothingThatATerminalObeys(t *testing.T) {
	t.Parallel()
	folder := writePack(t, map[string]string{"README.md": "a\x1b[31mb\n"})
	if stdout, _, _ := run(t, "show", "readme", folder); stdout != "a\ufffd[31mb\n" {
		t.Errorf("it prints %q", stdout)
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	t.Run("those of all Pods, each once", imagesOfAllPods)
}

func imagesOfAllPods(t *testing.T) {
	t.Parallel()
	folder := writePack(t, map[string]string{
		"templates/job.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: job, annotations: {sherpack.io/hook: 'pre-install,test'}}\n" +
			"spec: {template: {spec: {containers: [{name: c, image: 'b:1'}]}}}\n",
		"templates/pods.yaml": "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {jobTemplate: {spec: {template: {spec: {\n" +
			"  initContainers: [{name: i, image: 'a:1'}], containers: [{name: c, image: 'b:1'}, {name: d}],\n" +
			"  volumes: [{name: v, image: {reference: 'd:1'}}]}}}}}\n---\n" +
			"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: {{ ternary \"c:install\" \"c:upgrade\" release.isInstall | quote }}}]}\n",
	})
	stdout, stderr, code := run(t, "images", folder)
	if diff := cmp.Diff("a:1\nb:1\nc:install\nc:upgrade\nd:1\n", stdout); diff != "" || code != 0 || stderr != "" {
		t.Errorf("exit code %d, %s (-want +got):\n%s", code, stderr, diff)
	}
	stdout, _, code = run(t, "images", folder, "-o", "json")
	var got struct {
		Images []struct {
			Image  string
			UsedBy []map[string]any
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 || len(got.Images) != 5 {
		t.Fatalf("exit code %d, %v: %s", code, err, stdout)
	}
	want := []map[string]any{
		{"kind": "Job", "name": "job", "container": "c", "file": "templates/job.yaml", "phases": []any{"pre-install", "test"}},
		{"kind": "CronJob", "name": "c", "container": "c", "file": "templates/pods.yaml"},
	}
	if diff := cmp.Diff(want, got.Images[1].UsedBy); diff != "" {
		t.Errorf("uses of %s (-want +got):\n%s", got.Images[1].Image, diff)
	}
	want = []map[string]any{{"kind": "CronJob", "name": "c", "volume": "v", "file": "templates/pods.yaml"}}
	if diff := cmp.Diff(want, got.Images[4].UsedBy); diff != "" {
		t.Errorf("uses of %s (-want +got):\n%s", got.Images[4].Image, diff)
	}
}
