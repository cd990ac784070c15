package e2e

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

const adoptingPack = "testdata/packs/adopting"

// adoption is a row: an operation that adopts what is there, and fails.
type adoption struct{ operation, fails string }

// What a failed --atomic had adopted is as it was, whoever it belonged to, and stays so whatever the next command is: an
// uninstallation, the same without --take-ownership, the same with it.
func TestWhatAFailedOperationHadAdoptedIsGivenBack(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"install", "upgrade"} {
		for _, fails := range []string{"hook", "wait", "Ctrl-C"} {
			t.Run(operation+" "+fails, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, failure{operation: operation})
				row := adoption{operation, fails}
				was := b.lend(t, "nobody", "kubectl", "ssa", "helm3", "helm4", "other")

				b.failAdopting(t, row)
				b.isAsItWas(t, "after the failure", was)
				b.must(t, "uninstall", "--wait")
				b.isAsItWas(t, "after the uninstallation", was)

				b.failAdopting(t, row)
				b.isAsItWas(t, "after the second failure", was)
				next := []string{adoptingPack}
				if operation == "upgrade" {
					next = append(next, "--reset-values")
				}
				if code, said := b.command(t, append([]string{operation, "app"}, next...)...); code != 5 || !strings.Contains(said, "already exists and belongs to") {
					t.Errorf("the next command without --take-ownership: exit code %d: %s", code, said)
				}
				b.isAsItWas(t, "after the next command without --take-ownership", was)
				b.must(t, operation, append(next, "--take-ownership")...)
				b.must(t, "uninstall", "--wait")
				b.areGone(t, was)
			})
		}
	}
}

// lend makes the objects that the pack adopts as their owners would, and returns them.
func (b *bench) lend(t *testing.T, owners ...string) map[string]map[string]any {
	t.Helper()
	for _, owner := range owners {
		b.make(t, owner, lentBy(t, owner))
	}
	was := b.lent(t)
	if want := 3 * len(owners); len(was) != want {
		t.Fatalf("there are %d objects of others, not %d", len(was), want)
	}
	return was
}

// lentBy are the objects of an owner.
func lentBy(t *testing.T, owner string) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	for _, text := range []string{
		`{apiVersion: v1, kind: ConfigMap, data: {text: theirs, same: "1", old: theirs}}`,
		`{apiVersion: v1, kind: Secret, data: {text: dGhlaXJz, old: dGhlaXJz}}`,
		`{apiVersion: v1, kind: Service, spec: {selector: {app: theirs}, ports: [{name: web, port: 80, targetPort: 8080}, {name: admin, port: 81, targetPort: 8081}]}}`,
	} {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
			t.Fatal(err)
		}
		object.SetName(owner)
		object.SetLabels(map[string]string{"lent": "yes"})
		objects = append(objects, object)
	}
	return objects
}

// make makes objects as their owner does.
func (b *bench) make(t *testing.T, owner string, objects []*unstructured.Unstructured) {
	t.Helper()
	switch owner {
	case "kubectl":
		b.kubectlApply(t, objects)
	case "ssa":
		b.kubectlApply(t, objects, "--server-side")
	case "other":
		b.install(t, owner, objects)
	default:
		for _, object := range objects {
			b.create(t, owner, object)
		}
	}
}

// create makes an object as Helm or kubectl create does.
func (b *bench) create(t *testing.T, owner string, object *unstructured.Unstructured) {
	t.Helper()
	if strings.HasPrefix(owner, "helm") {
		object.SetLabels(map[string]string{"lent": "yes", "app.kubernetes.io/managed-by": "Helm"})
		object.SetAnnotations(map[string]string{"meta.helm.sh/release-name": owner, "meta.helm.sh/release-namespace": b.namespace})
	}
	resource := schema.GroupVersionResource{Version: "v1", Resource: strings.ToLower(object.GetKind()) + "s"}
	objects := dynamic.NewForConfigOrDie(clustertest.Config(t)).Resource(resource).Namespace(b.namespace)
	var err error
	switch owner {
	case "helm3":
		_, err = objects.Create(t.Context(), object, metav1.CreateOptions{FieldManager: "helm"})
	case "helm4":
		_, err = objects.Apply(t.Context(), owner, object, metav1.ApplyOptions{FieldManager: "helm"})
	default:
		_, err = objects.Create(t.Context(), object, metav1.CreateOptions{FieldManager: "kubectl-create"})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// stream is objects as YAML.
func stream(t *testing.T, objects []*unstructured.Unstructured) string {
	t.Helper()
	var text strings.Builder
	for _, object := range objects {
		content, err := yaml.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("---\n" + string(content))
	}
	return text.String()
}

func (b *bench) kubectlApply(t *testing.T, objects []*unstructured.Unstructured, flags ...string) {
	t.Helper()
	command := exec.Command(clustertest.Kubectl(t), append([]string{"apply", "-f", "-", "--kubeconfig", b.kubeconfig, "-n", b.namespace}, flags...)...)
	command.Stdin = strings.NewReader(stream(t, objects))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// install installs a pack of some objects.
func (b *bench) install(t *testing.T, name string, objects []*unstructured.Unstructured) {
	t.Helper()
	folder := t.TempDir()
	metadata := "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: other, version: 0.1.0}\n"
	err := errors.Join(
		os.WriteFile(filepath.Join(folder, "Pack.yaml"), []byte(metadata), 0o600),
		os.Mkdir(filepath.Join(folder, "templates"), 0o700),
		os.WriteFile(filepath.Join(folder, "templates", "all.yaml"), []byte(stream(t, objects)), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	if code, out := b.command(t, "install", name, folder); code != 0 {
		t.Fatal(out)
	}
}

// lent reads the objects that belong to others: all but versions.
func (b *bench) lent(t *testing.T) map[string]map[string]any {
	t.Helper()
	text := b.kubectl(t, "get", "configmaps,secrets,services", "-l", "lent=yes", "-o", "yaml", "--show-managed-fields")
	list := &unstructured.UnstructuredList{}
	if err := yaml.Unmarshal([]byte(text), &list.Object); err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]any{}
	items, _, _ := unstructured.NestedSlice(list.Object, "items")
	for _, item := range items {
		object := &unstructured.Unstructured{Object: item.(map[string]any)} //nolint:forcetypeassert // kubectl prints objects.
		object.SetResourceVersion("")
		found[object.GetKind()+"/"+object.GetName()] = object.Object
	}
	return found
}

// isAsItWas compares the objects that belong to others with what they were: content, labels, annotations and managers.
func (b *bench) isAsItWas(t *testing.T, when string, was map[string]map[string]any) {
	t.Helper()
	if diff := cmp.Diff(was, b.lent(t)); diff != "" {
		t.Fatalf("%s (-was +is):\n%s", when, diff)
	}
}

// areGone checks that objects that were adopted for good went with the release.
func (b *bench) areGone(t *testing.T, were map[string]map[string]any) {
	t.Helper()
	names := slices.Sorted(maps.Keys(were))
	if left := b.kubectl(t, append([]string{"get", "-o", "name", "--ignore-not-found"}, names...)...); left != "" {
		t.Errorf("adopted, and not uninstalled: %s", left)
	}
}

// failAdopting brings the release to where the operation starts, and has it adopt and fail.
func (b *bench) failAdopting(t *testing.T, row adoption) {
	t.Helper()
	if row.operation == "upgrade" {
		b.must(t, "install", adoptingPack, "--set-json", "adopts=[]", "--no-hooks")
	}
	args := []string{row.operation, "app", adoptingPack, "--take-ownership", "--atomic", "--reset-values"}
	if row.operation == "install" {
		args = args[:5]
	}
	said, code, want := "", 0, map[string]int{"hook": 6, "wait": 7, "Ctrl-C": 130}[row.fails]
	switch row.fails {
	case "hook":
		code, said = b.command(t, append(args, "--set", "fails=hook")...)
	case "wait":
		code, said = b.command(t, append(args, "--set", "fails=ready", "--timeout", "10s")...)
	case "Ctrl-C":
		command, stderr := b.start(t, append(args, "--set", "hang=true")...)
		stderr.await(t, "/check: Running")
		b.kubectl(t, "wait", "--for=create", "--timeout=2m", "job/app-check")
		if err := command.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		code, said = exitCode(t, command.Wait()), stderr.all()
	}
	if code != want || !strings.Contains(said, "Adopted objects were given back: ") {
		t.Fatalf("exit code %d, want %d: %s", code, want, said)
	}
}

// few are the owners where who it is makes no difference, as the value of the pack has them.
const few = `adopts=["kubectl","other"]`

// A command that is killed between the two writes that give an object back, or between those that adopt it, leaves what the
// next command completes, whichever that is.
func TestWhatIsHalfGivenBackIsCompleted(t *testing.T) {
	t.Parallel()
	for name, contentType := range map[string]string{"giving back": "merge-patch", "adopting": "apply-patch"} {
		t.Run("killed while "+name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, failure{})
			was := b.lend(t, "kubectl", "other")
			b.must(t, "install", adoptingPack, "--set-json", "adopts=[]", "--no-hooks")

			b.killAdopting(t, contentType)
			if code, said := b.command(t, "upgrade", "app", adoptingPack, "--set-json", few); code != 5 || !strings.Contains(said, "already exists and belongs to") {
				t.Errorf("the next command without --take-ownership: exit code %d: %s", code, said)
			}
			b.isAsItWas(t, "after the next command without --take-ownership", was)
			b.must(t, "uninstall")
			b.isAsItWas(t, "after the uninstallation that follows", was)

			b.must(t, "install", adoptingPack, "--set-json", "adopts=[]", "--no-hooks")
			b.killAdopting(t, contentType)
			b.must(t, "uninstall")
			b.isAsItWas(t, "after an uninstallation", was)

			b.must(t, "install", adoptingPack, "--set-json", "adopts=[]", "--no-hooks")
			b.killAdopting(t, contentType)
			code, said := b.command(t, "upgrade", "app", adoptingPack, "--set-json", few, "--take-ownership", "--atomic", "--set", "fails=hook")
			if code != 6 {
				t.Errorf("the next command with --take-ownership: exit code %d: %s", code, said)
			}
			b.isAsItWas(t, "after the next command with --take-ownership, which fails", was)
		})
	}
}

// killAdopting has an upgrade adopt, fail and be undone, and kills it before its first write of a kind to what is lent.
func (b *bench) killAdopting(t *testing.T, contentType string) {
	t.Helper()
	command := exec.Command(program(t), "upgrade", "app", adoptingPack, "--set-json", few, "--take-ownership", "--atomic", "--set", "fails=hook",
		"--kubeconfig", b.kubeconfig, "--namespace", b.namespace)
	command.Env = append(os.Environ(), "HOME="+b.home)
	b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		name := path.Base(request.URL.Path)
		written := request.Method == http.MethodPatch && strings.Contains(request.Header.Get("Content-Type"), contentType) && !request.URL.Query().Has("dryRun")
		if written && (name == "kubectl" || name == "other") {
			_ = command.Process.Kill()
			return nil, errors.New("the client is dead")
		}
		return upstream.RoundTrip(request)
	})
	defer b.proxy.Intercept(nil)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil {
		t.Fatal("it was not killed")
	}
}

// An adoption that has not succeeded yet is given back by an uninstallation, and by a revision without the object; one that
// has is not.
func TestAnAdoptionIsFinalWhenItHasSucceeded(t *testing.T) {
	t.Parallel()
	b := newBench(t, failure{})
	was := b.lend(t, "kubectl", "other")
	adopt := func() {
		code, said := b.command(t, "install", "app", adoptingPack, "--take-ownership", "--set-json", few, "--set", "fails=hook")
		if code != 6 {
			t.Fatalf("exit code %d: %s", code, said)
		}
	}
	adopt()
	b.must(t, "uninstall")
	b.isAsItWas(t, "after the uninstallation", was)
	adopt()
	b.must(t, "install", adoptingPack, "--set-json", "adopts=[]")
	b.isAsItWas(t, "after an installation without them", was)
	b.must(t, "uninstall")
	adopt()
	b.must(t, "install", adoptingPack, "--set-json", few)
	if left := b.kubectl(t, "get", "secrets", "-o", "jsonpath={.items[*].type}"); strings.Contains(left, "release-former") {
		t.Errorf("what is final is still recorded: %s", left)
	}
	b.must(t, "uninstall", "--wait")
	b.areGone(t, was)
}
