package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// helmsWay is how a release was applied: by which tool, and in which way.
type helmsWay struct {
	manager string
	// client says that it was applied as Helm 3 does: by creating objects.
	client bool
}

func helmsWays() map[string]helmsWay {
	return map[string]helmsWay{
		"Helm 4": {manager: "helm"}, "Helm 3": {manager: "helm", client: true}, "terraform": {manager: "terraform-provider-helm_v3.0.0_x5", client: true},
		"flux": {manager: "helm-controller"}, "argocd": {manager: "argocd-controller"},
	}
}

// chartFiles are a chart with objects of many kinds. GROUP is that of its definition: no two tests share one.
func chartFiles() map[string]string {
	return map[string]string{
		"Chart.yaml":  "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"values.yaml": "slim: false\n",
		"crds/widget.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.GROUP}\n" +
			"spec: {group: GROUP, scope: Namespaced, names: {plural: widgets, singular: widget, kind: Widget}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}\n",
		"templates/all.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: app, labels: {app.kubernetes.io/managed-by: {{ .Release.Service }}}}
data: {one: "1"{{ if not .Values.slim }}, two: "2"{{ end }}}
{{ if not .Values.slim }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: extra}
{{ end }}
---
apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {one: a{{ if not .Values.slim }}, two: b{{ end }}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {terminationGracePeriodSeconds: 0, containers: [{name: web, image: server{{ if not .Values.slim }}, env: []{{ end }}}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {terminationGracePeriodSeconds: 0, containers: [{name: db, image: server}]}
---
apiVersion: GROUP/v1
kind: Widget
metadata: {name: app}
spec: {size: 1{{ if not .Values.slim }}, colour: red{{ end }}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-weight: "-1"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: migrate, image: "true"}]}}}
`,
	}
}

// helmBench is a release of Helm's in a namespace.
type helmBench struct {
	*bench
	way   helmsWay
	chart string
}

func newHelmBench(t *testing.T, way helmsWay) *helmBench {
	t.Helper()
	b := newChartBench(t, way)
	b.makeHelms(t)
	return b
}

// newChartBench is a namespace without a release.
func newChartBench(t *testing.T, way helmsWay) *helmBench {
	t.Helper()
	b := &helmBench{bench: &bench{session: newSession(t), home: t.TempDir()}, way: way, chart: t.TempDir()}
	for name, text := range chartFiles() {
		file := filepath.Join(b.chart, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "GROUP", b.group())), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { b.kubectl(t, "delete", "crd", "--ignore-not-found", "widgets."+b.group()) })
	return b
}

func (b *helmBench) group() string { return b.namespace + ".example.com" }

// makeHelms makes the release as Helm does: its objects and, as the second revision, its record.
func (b *helmBench) makeHelms(t *testing.T) {
	t.Helper()
	code, text := b.command(t, "template", "app", b.chart)
	if code != 0 {
		t.Fatal(text)
	}
	var manifest string
	hooks := []any{}
	var definitions, objects []*unstructured.Unstructured
	for _, document := range strings.Split(text, "---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			t.Fatal(err)
		}
		switch {
		case len(object.Object) == 0:
		case object.GetKind() == "CustomResourceDefinition":
			definitions = append(definitions, object)
		case object.GetAnnotations()["helm.sh/hook"] != "":
			hooks = append(hooks, map[string]any{"name": object.GetName(), "kind": object.GetKind(), "path": "shop/templates/all.yaml", "manifest": document})
			objects = append(objects, object)
		default:
			manifest += "---\n" + document
			b.markAsHelm(object)
			objects = append(objects, object)
		}
	}
	b.apply(t, definitions)
	b.kubectl(t, "wait", "--for=condition=Established", "crd/widgets."+b.group())
	b.apply(t, objects)
	b.kubectl(t, "wait", "--for=create", "pod/db-0")
	definition, err := os.ReadFile(filepath.Join(b.chart, "crds", "widget.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	chart := map[string]any{
		"metadata": map[string]any{"apiVersion": "v2", "name": "shop", "version": "1.0.0"}, "values": map[string]any{"slim": false},
		"files": []any{map[string]any{"name": "crds/widget.yaml", "data": definition}},
	}
	for number, status := range map[int]string{1: "superseded", 2: "deployed"} {
		b.record(t, map[string]any{
			"name": "app", "namespace": b.namespace, "version": number, "manifest": manifest, "hooks": hooks, "chart": chart,
			"info": map[string]any{"status": status, "notes": "Welcome", "first_deployed": "2026-01-02T03:04:05Z"}, "config": map[string]any{"note": "given"},
		})
	}
}

func (b *helmBench) markAsHelm(object *unstructured.Unstructured) {
	labels := object.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels["app.kubernetes.io/managed-by"] = "Helm"
	object.SetLabels(labels)
	object.SetAnnotations(map[string]string{"meta.helm.sh/release-name": "app", "meta.helm.sh/release-namespace": b.namespace})
}

// apply applies objects as the tool does.
func (b *helmBench) apply(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	args := []string{"apply", "--server-side"}
	if b.way.client {
		args = []string{"create"}
	}
	args = append(args, "--field-manager="+b.way.manager, "-f", "-", "--kubeconfig", b.kubeconfig, "-n", b.namespace)
	command := exec.Command(clustertest.Kubectl(t), args...)
	command.Stdin = strings.NewReader(stream(t, objects))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// record writes a revision as Helm keeps it.
func (b *helmBench) record(t *testing.T, revision map[string]any) {
	t.Helper()
	text, err := json.Marshal(revision)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if _, err := writer.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	number := fmt.Sprint(revision["version"])
	info, _ := revision["info"].(map[string]any)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: "sh.helm.release.v1.app.v" + number, Namespace: b.namespace,
			Labels: map[string]string{"owner": "helm", "name": "app", "version": number, "status": fmt.Sprint(info["status"])},
		},
		Type: "helm.sh/release.v1", Data: map[string][]byte{"release": []byte(base64.StdEncoding.EncodeToString(packed.Bytes()))},
	}
	if _, err := kubernetes.NewForConfigOrDie(clustertest.Config(t)).CoreV1().Secrets(b.namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// kindsOfChart are those of the chart's objects, Pods included, whose UIDs are compared.
func (b *helmBench) kindsOfChart() string {
	return "services,deployments,replicasets,statefulsets,pods,widgets." + b.group()
}

// uids are the objects that run, and which they are. Hooks run anew at an upgrade.
func (b *helmBench) uids(t *testing.T) []string {
	t.Helper()
	all := strings.Split(b.kubectl(t, "get", b.kindsOfChart(), "-l", "!batch.kubernetes.io/job-name", "-o", `jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.uid}{"\n"}{end}`), "\n")
	slices.Sort(all)
	return all
}

// managers are all managers of the fields of the objects that Helm has applied, but of their status.
func (b *helmBench) managers(t *testing.T) []string {
	t.Helper()
	text := b.kubectl(t, "get", "configmaps/app", "services/web", "deployments/web", "statefulsets/db", "widgets."+b.group()+"/app", "crds/widgets."+b.group(),
		"--show-managed-fields", "-o", "json")
	var list unstructured.UnstructuredList
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, object := range list.Items {
		for _, entry := range object.GetManagedFields() {
			if entry.Subresource == "" {
				found = append(found, entry.Manager+" "+string(entry.Operation))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// helms are the records that Helm finds: 1 superseded, 2 deployed.
func (b *helmBench) helms(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(b.kubectl(t, "get", "secrets", "-l", "owner=helm", "--sort-by=.metadata.labels.version", "-o", "jsonpath={range .items[*]}{.metadata.labels.version} {.metadata.labels.status} {end}"))
}

// What Helm has made is taken over as it runs, can be upgraded here, and is given back as it runs.
func TestAReleaseOfHelmIsTakenOverAndGivenBack(t *testing.T) {
	t.Parallel()
	for title, way := range helmsWays() {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			b := newHelmBench(t, way)
			before := b.uids(t)
			b.adoptsAndDiffersInNothing(t, before)
			b.upgradeDropsWhatTheChartDrops(t)
			b.goesBackToHelm(t, before)
		})
	}
}

func (b *helmBench) hand(t *testing.T, args ...string) string {
	t.Helper()
	code, out := b.command(t, args...)
	if code != 0 {
		t.Fatalf("%s: exit code %d: %s", args[0], code, out)
	}
	return out
}

func (b *helmBench) adoptsAndDiffersInNothing(t *testing.T, before []string) {
	t.Helper()
	for _, dry := range []string{"client", "server"} {
		b.proxy.Reset()
		b.hand(t, "adopt", "app", "--from-helm", "--dry-run="+dry)
		if b.helms(t) != "1 superseded 2 deployed" || slices.Contains(b.managers(t), "sherpack Apply") {
			t.Errorf("a dry run has changed something: %s, %v", b.helms(t), b.managers(t))
		}
	}
	b.hand(t, "adopt", "app", "--from-helm")
	if diff := cmp.Diff(before, b.uids(t)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"sherpack Apply"}, onlyTools(b.managers(t))); diff != "" {
		t.Error(diff)
	}
	if out := b.hand(t, "diff", "app"); strings.TrimSpace(out) != "" {
		t.Errorf("it differs:\n%s", out)
	}
	if found := b.helms(t); found != "" {
		t.Errorf("Helm still finds %s", found)
	}
	if got := b.hand(t, "history", "app", "-o", "jsonpath={range .items[*]}{.spec.revision} {.spec.fromHelm} {.status.phase}{end}"); got != "2 2 deployed" {
		t.Errorf("the history is %s", got)
	}
	if values, notes := b.hand(t, "get", "values", "app"), b.hand(t, "get", "notes", "app"); !strings.Contains(values, "note: given") || !strings.Contains(notes, "Welcome") {
		t.Errorf("the values are %s, the notes %s", values, notes)
	}
	b.hand(t, "adopt", "app", "--from-helm")
}

// onlyTools leaves out whom the API server lets write metadata of its own.
func onlyTools(managers []string) []string {
	return slices.DeleteFunc(managers, func(manager string) bool { return strings.HasPrefix(manager, "kube-") })
}

func (b *helmBench) upgradeDropsWhatTheChartDrops(t *testing.T) {
	t.Helper()
	b.hand(t, "upgrade", "app", b.chart, "--set", "slim=true")
	if got := b.kubectl(t, "get", "configmap", "app", "-o", "jsonpath={.data}"); got != `{"one":"1"}` {
		t.Errorf("the ConfigMap has %s", got)
	}
	if got := b.kubectl(t, "get", "widgets."+b.group(), "app", "-o", "jsonpath={.spec}"); got != `{"size":1}` {
		t.Errorf("the custom resource has %s", got)
	}
	if got := b.kubectl(t, "get", "secret", "app", "-o", "jsonpath={.data}"); got != `{"one":"YQ=="}` {
		t.Errorf("the Secret has %s", got)
	}
	if got := b.kubectl(t, "get", "configmaps", "-o", "name"); strings.Contains(got, "configmap/extra") {
		t.Error("the ConfigMap that has left the chart is still there")
	}
}

func (b *helmBench) goesBackToHelm(t *testing.T, before []string) {
	t.Helper()
	b.hand(t, "handover", "app", "--to-helm", "--dry-run=server")
	b.hand(t, "handover", "app", "--to-helm")
	if diff := cmp.Diff(before, b.uids(t)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"helm Apply"}, onlyTools(b.managers(t))); diff != "" {
		t.Error(diff)
	}
	if found := b.helms(t); found != "1 superseded 2 superseded 3 deployed" {
		t.Errorf("Helm finds %s", found)
	}
	marks := b.kubectl(t, "get", "deployment", "web", "-o", "jsonpath={.metadata.labels} {.metadata.annotations.meta\\.helm\\.sh/release-name}")
	if marks != `{"app.kubernetes.io/managed-by":"Helm"} app` {
		t.Errorf("the marks are %s", marks)
	}
	if left := b.kubectl(t, "get", "secrets", "-l", "owner=sherpack", "-o", "name"); left != "" {
		t.Errorf("there is left %s", left)
	}
	b.hand(t, "handover", "app", "--to-helm")
	b.helmWorksWithIt(t)
}

// helmWorksWithIt has Helm itself work on what it was given: it refuses objects that are not marked as its own, and what the chart has
// in crds/ must not be among them.
func (b *helmBench) helmWorksWithIt(t *testing.T) {
	t.Helper()
	b.helm(t, "upgrade", "app", b.chart, "--set", "slim=false", "--no-hooks")
	if got := b.kubectl(t, "get", "configmap", "app", "-o", "jsonpath={.data}"); got != `{"one":"1","two":"2"}` {
		t.Errorf("after the upgrade the ConfigMap has %s", got)
	}
	b.helm(t, "rollback", "app", "3", "--no-hooks")
	if got := b.kubectl(t, "get", "configmap", "app", "-o", "jsonpath={.data}"); got != `{"one":"1"}` {
		t.Errorf("after the rollback the ConfigMap has %s", got)
	}
	if found := b.helms(t); found != "1 superseded 2 superseded 3 superseded 4 superseded 5 deployed" {
		t.Errorf("Helm finds %s", found)
	}
	b.helm(t, "uninstall", "app", "--no-hooks")
	b.kubectl(t, "get", "crd", "widgets."+b.group())
}

// A command that has a release change hands may be killed at any instant: the plain same command completes it, and so does its
// opposite.
func TestAChangeOfHandsMayBeKilledAtAnyInstant(t *testing.T) {
	t.Parallel()
	var all []instant
	for _, operation := range []string{"adopt", "handover"} {
		bench := newHelmBench(t, helmsWay{manager: "helm"})
		bench.beforeHandover(t, operation)
		counter := &counter{}
		bench.proxy.Intercept(counter.intercept)
		bench.hand(t, handArgs(operation)...)
		bench.proxy.Intercept(nil)
		for request := 1; request <= counter.seen; request++ {
			all = append(all, instant{operation: operation, request: request}, instant{operation: operation, request: request, after: true})
		}
	}
	for i, instant := range sample(t, all, *instants) {
		// Of the instants before and after each request, too, it is every other one.
		isOpposite := (i+i/2)%2 == 1
		title := instant.String()
		if isOpposite {
			title += ", and the opposite"
		}
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			b := newHelmBench(t, helmsWay{manager: "helm", client: instant.request%2 == 0})
			before := b.uids(t)
			b.beforeHandover(t, instant.operation)
			(&killBench{b.bench}).killAt(t, instant, handArgs(instant.operation))
			if isOpposite {
				b.isTakenBack(t, instant.operation, before)
				return
			}
			b.hand(t, append(handArgs(instant.operation), "--lock-timeout=1m")...)
			b.isWhole(t, instant.operation, before)
		})
	}
}

// isTakenBack runs the opposite of an operation that was killed, and checks that the release is whole, as it was before or as it is
// where the operation had come to its end.
func (b *helmBench) isTakenBack(t *testing.T, operation string, before []string) {
	t.Helper()
	opposite, left, helms, manager := "handover", "none", "1 superseded 2 deployed", "helm"
	if operation == "handover" {
		opposite, left, helms, manager = "adopt", "3 deployed", "", "sherpack"
	}
	code, out := b.command(t, append(handArgs(opposite), "--lock-timeout=1m")...)
	// It was killed before it began.
	if isNone := operation == "handover" && strings.Contains(out, "already exists"); code != 0 && !isNone {
		t.Errorf("%s: exit code %d: %s", opposite, code, out)
	}
	if diff := cmp.Diff(before, b.uids(t)); diff != "" {
		t.Error(diff)
	}
	if b.helms(t) != helms || !strings.HasSuffix(b.revisions(t), left) {
		t.Errorf("Helm finds %q, there are %s", b.helms(t), b.revisions(t))
	}
	// Where the release was Helm's, whole, its record does not have the definition of crds/.
	isNew := b.revisions(t) == left && left != "none"
	for _, found := range onlyTools(b.managers(t)) {
		if !strings.HasPrefix(found, manager+" ") && (!isNew || found != "helm Apply") {
			t.Errorf("there is the manager %s", found)
		}
	}
}

func handArgs(operation string) []string {
	flag := map[string]string{"adopt": "--from-helm", "handover": "--to-helm"}[operation]
	return []string{operation, "app", flag}
}

// beforeHandover makes what an operation needs. What is given back has changed since it was taken over.
func (b *helmBench) beforeHandover(t *testing.T, operation string) {
	t.Helper()
	if operation == "handover" {
		b.hand(t, "adopt", "app", "--from-helm")
		b.hand(t, "upgrade", "app", b.chart, "--set", "slim=true", "--no-hooks")
	}
}

// isWhole checks that a release is Helm's or ours, whole.
func (b *helmBench) isWhole(t *testing.T, operation string, before []string) {
	t.Helper()
	if diff := cmp.Diff(before, b.uids(t)); diff != "" {
		t.Error(diff)
	}
	if operation == "handover" {
		if b.helms(t) != "1 superseded 2 superseded 3 deployed" || !slices.Equal(onlyTools(b.managers(t)), []string{"helm Apply"}) {
			t.Errorf("Helm finds %s, managers are %v", b.helms(t), b.managers(t))
		}
		if left := b.kubectl(t, "get", "secrets", "-l", "owner=sherpack", "-o", "name"); left != "" {
			t.Errorf("there is left %s", left)
		}
		return
	}
	if b.helms(t) != "" || b.revisions(t) != "2 deployed" || !slices.Equal(onlyTools(b.managers(t)), []string{"sherpack Apply"}) {
		t.Errorf("Helm finds %q, there are %s, managers are %v", b.helms(t), b.revisions(t), b.managers(t))
	}
	if out := b.hand(t, "diff", "app"); strings.TrimSpace(out) != "" {
		t.Errorf("it differs:\n%s", out)
	}
	b.hand(t, "uninstall", "app", "--wait", "--delete-crds", "--yes")
}

// What was never Helm's is given to it, if Helm could have made it.
func TestAReleaseThatHelmNeverHadIsGivenToIt(t *testing.T) {
	t.Parallel()
	b := newChartBench(t, helmsWay{})
	b.hand(t, "install", "app", b.chart)
	before := b.uids(t)
	b.hand(t, handArgs("handover")...)
	if diff := cmp.Diff(before, b.uids(t)); diff != "" {
		t.Error(diff)
	}
	if b.helms(t) != "1 deployed" || !slices.Equal(onlyTools(b.managers(t)), []string{"helm Apply"}) {
		t.Errorf("Helm finds %s, managers are %v", b.helms(t), b.managers(t))
	}
	b.hand(t, handArgs("adopt")...)
	if out := b.hand(t, "diff", "app"); strings.TrimSpace(out) != "" || b.revisions(t) != "1 deployed" {
		t.Errorf("revisions %s, it differs:\n%s", b.revisions(t), out)
	}
	b.install(t, "packed", lentBy(t, "packed"))
	if code, out := b.command(t, "handover", "--all", "--to-helm"); code != 2 || !strings.Contains(out, "made from a pack") || b.helms(t) != "1 deployed" {
		t.Errorf("exit code %d: %s: Helm finds %s", code, out, b.helms(t))
	}
}
