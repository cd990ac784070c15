package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

// TestChartsRenderAsHelmRendersThem compares what the plugin makes of charts with what Helm makes of them. The files in
// testdata/charts have a chart each; the head of a file has the flags to render it with:
//
//	$ --set a=b     is a command line, and given/ are files for it;
//	+ v1 Kind name  behind it is an object that Helm drops and we do not;
//	! --set a=b     is one that both refuse.
//
// A folder whose name ends in .tgz becomes an archive.
func TestChartsRenderAsHelmRendersThem(t *testing.T) {
	t.Parallel()
	plugin := buildPlugin(t)
	files, err := filepath.Glob("testdata/charts/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no charts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir()
			if err := unpack(archive.Files, folder); err != nil {
				t.Fatal(err)
			}
			// All of it once more, as the archive of a chart.
			if err := pack(archive.Files, "chart/", filepath.Join(folder, "chart.tgz")); err != nil {
				t.Fatal(err)
			}
			lines := commandLines(string(archive.Comment))
			for _, line := range lines {
				compare(t, plugin, folder, "chart", line)
			}
			compare(t, plugin, folder, "chart.tgz", lines[0])
		})
	}
}

func TestTheChartThatHelmCreatesRendersAsHelmRendersIt(t *testing.T) {
	t.Parallel()
	plugin, folder := buildPlugin(t), t.TempDir()
	if _, err := chartutil.Create("web", folder); err != nil {
		t.Fatal(err)
	}
	for _, flags := range []string{
		"", "--is-upgrade --no-hooks", "--set ingress.enabled=true,autoscaling.enabled=true,service.port=8080", "--set replicaCount=1000000 --set-string image.tag=1",
		"--set nameOverride=shop,serviceAccount.create=false,httpRoute.enabled=true --kube-version 1.30.0",
	} {
		compare(t, plugin, folder, "web", commandLine{args: strings.Fields(flags)})
	}
}

// buildPlugin builds the plugin, and returns where it is.
func buildPlugin(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	command := exec.Command("go", "build", "-o", folder+string(filepath.Separator), "./cmd/kubectl-sherpack")
	command.Dir = filepath.Join("..", "..")
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building the plugin: %v\n%s", err, text)
	}
	name := filepath.Join(folder, "kubectl-sherpack")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return name
}

// commandLine are flags, and what is to come of them.
type commandLine struct {
	args []string
	// ours are objects that Helm drops.
	ours []string
	// refused says that there is an error.
	refused bool
}

// commandLines reads those in the head of a file.
func commandLines(head string) []commandLine {
	var found []commandLine
	for line := range strings.Lines(head) {
		mark, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch mark {
		case "$", "!":
			found = append(found, commandLine{args: strings.Fields(rest), refused: mark == "!"})
		case "+":
			found[len(found)-1].ours = append(found[len(found)-1].ours, rest)
		}
	}
	return found
}

// compare renders a chart in a folder with both.
func compare(t *testing.T, plugin, folder, chart string, line commandLine) {
	t.Helper()
	title := fmt.Sprintf("template shop %s %s", chart, strings.Join(line.args, " "))
	want, helmErr := templateOfHelm(folder, chart, line.args)
	got, ourErr := templateOfOurs(plugin, folder, chart, line.args)
	if (helmErr != nil) != line.refused || (ourErr != nil) != line.refused {
		t.Errorf("%s:\nHelm: %v\nwe: %v", title, helmErr, ourErr)
		return
	}
	wanted, err := objects(want)
	if err != nil {
		t.Fatalf("%s: Helm: %v", title, err)
	}
	found, err := objects(got)
	if err != nil {
		t.Fatalf("%s: we: %v", title, err)
	}
	for _, dropped := range line.ours {
		at := slices.IndexFunc(found, func(o object) bool { return o.name == dropped })
		if at < 0 {
			t.Errorf("%s: lacks %s", title, dropped)
			continue
		}
		found = slices.Delete(found, at, at+1)
	}
	if len(wanted) == 0 && !line.refused {
		t.Errorf("%s: nothing is rendered", title)
	}
	if diff := cmp.Diff(wanted, found, cmp.AllowUnexported(object{})); diff != "" {
		t.Errorf("%s (-Helm +we):\n%s", title, diff)
	}
}

// templateOfOurs is what the plugin prints.
func templateOfOurs(plugin, folder, chart string, args []string) (string, error) {
	command := exec.Command(plugin, append([]string{"template", "shop", chart, "--namespace", "prod"}, args...)...)
	command.Dir = folder
	// No cluster is asked, and none may be found.
	command.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(folder, "none"))
	var stderr bytes.Buffer
	command.Stderr = &stderr
	text, err := command.Output()
	if err != nil {
		err = errors.New(stderr.String())
	}
	return string(text), err
}

// unpack writes files into a folder, those of archives into archives.
func unpack(files []txtar.File, folder string) error {
	for name := range archived(files) {
		if err := pack(files, name+"/", filepath.Join(folder, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	for _, file := range files {
		if strings.Contains(file.Name, ".tgz/") {
			continue
		}
		name := filepath.Join(folder, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(name, file.Data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// archived are the files that are in archives, by the names of these, without those in archives of archives.
func archived(files []txtar.File) map[string][]txtar.File {
	found := map[string][]txtar.File{}
	for _, file := range files {
		if name, inside, isIn := strings.Cut(file.Name, ".tgz/"); isIn {
			found[name+".tgz"] = append(found[name+".tgz"], txtar.File{Name: inside, Data: file.Data})
		}
	}
	return found
}

// pack writes the files below a prefix into an archive.
func pack(files []txtar.File, prefix, target string) error {
	var inside []txtar.File
	for _, file := range files {
		if name, below := strings.CutPrefix(file.Name, prefix); below {
			inside = append(inside, txtar.File{Name: name, Data: file.Data})
		}
	}
	text, err := tgz(inside)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
		return err
	}
	return os.WriteFile(target, text, 0o600)
}

// tgz is an archive of a chart.
func tgz(files []txtar.File) ([]byte, error) {
	plain := slices.DeleteFunc(slices.Clone(files), func(f txtar.File) bool { return strings.Contains(f.Name, ".tgz/") })
	for name, inside := range archived(files) {
		text, err := tgz(inside)
		if err != nil {
			return nil, err
		}
		plain = append(plain, txtar.File{Name: name, Data: text})
	}
	var text bytes.Buffer
	zipped := gzip.NewWriter(&text)
	writer := tar.NewWriter(zipped)
	for _, file := range plain {
		if err := writer.WriteHeader(&tar.Header{Name: "top/" + file.Name, Size: int64(len(file.Data)), Mode: 0o644}); err != nil {
			return nil, err
		}
		if _, err := writer.Write(file.Data); err != nil {
			return nil, err
		}
	}
	err := errors.Join(writer.Close(), zipped.Close())
	return text.Bytes(), err
}
