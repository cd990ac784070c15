package kube_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

func TestDrift(t *testing.T) {
	t.Parallel()
	t.Run("what the server and others add is none", driftIsNotWhatIsAdded)
	t.Run("changed and missing objects are told in their order", driftIsWhatHasChanged)
	t.Run("it writes nothing, and asks twice for each object", driftWritesNothing)
	t.Run("what could not be applied again is compared as it is", driftOfWhatWouldBeRefused)
	t.Run("what an autoscaler sets is none", driftIsNotWhatAnAutoscalerSets)
	t.Run("without the right to list autoscalers it counts", driftWithoutTheRightToListAutoscalers)
	t.Run("an object that cannot be read does not hide the others", driftBesidesAnError)
	t.Run("values of a Secret are not in it", driftOfASecretDoesNotQuoteIt)
}

const settings = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {team: web}}
data: {a: one, b: two}
`

// drifted returns the drift of objects as lines: the object, and for each of its fields who has made what of it.
func (b *bench) drifted(objects ...*unstructured.Unstructured) ([]string, error) {
	b.Helper()
	found, err := b.Drift(b.Context(), objects)
	var lines []string
	for _, object := range found {
		line := object.Ref.Kind + "/" + object.Ref.Name
		if object.Missing {
			line += " missing"
		}
		if object.Refused != "" {
			line += " refused"
		}
		lines = append(lines, line)
		for _, field := range object.Fields {
			by := "nobody"
			if field.By != nil {
				by = field.By.String()
			}
			lines = append(lines, fmt.Sprintf("%s: %v to %v by %s", field.Path, field.Recorded, field.Live, by))
		}
	}
	return lines, err
}

// drifts checks the drift of objects, all of which can be compared.
func (b *bench) drifts(want []string, objects ...*unstructured.Unstructured) {
	b.Helper()
	lines, err := b.drifted(objects...)
	if diff := cmp.Diff(want, lines); err != nil || diff != "" {
		b.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

// patch changes an object as another manager; subresource may be "".
func (b *bench) patch(object *unstructured.Unstructured, manager, subresource, patch string) {
	b.Helper()
	var at []string
	if subresource != "" {
		at = append(at, subresource)
	}
	_, err := b.client(object).Patch(b.Context(), object.GetName(), types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: manager}, at...)
	b.must(err)
}

func driftIsNotWhatIsAdded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	objects := []*unstructured.Unstructured{b.object(settings), b.object(deployment), b.object(service)}
	b.apply(objects...)
	b.patch(objects[0], "somebody", "", `{"data": {"theirs": "x"}, "metadata": {"annotations": {"theirs": "x"}}}`)
	b.patch(objects[1], "somebody", "", `{"spec": {"paused": true}}`)
	b.drifts(nil, objects...)
	b.drifts(nil)
}

const service = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
`

func driftIsWhatHasChanged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	web, config, front := b.object(deployment), b.object(settings), b.object(service)
	b.apply(web, config)
	b.patch(config, "somebody", "", `{"data": {"a": "three", "b": null}, "metadata": {"labels": {"team": "ops"}}}`)
	b.patch(web, "kubectl-edit", "", `{"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:9"}]}}}}`)
	b.drifts([]string{
		"Deployment/web", `.spec.template.spec.containers[name="web"].image: nginx to nginx:9 by kubectl-edit`,
		"Service/web missing",
		"ConfigMap/settings", ".data.a: one to three by somebody", ".data.b: two to <nil> by nobody", ".metadata.labels.team: web to ops by somebody",
	}, web, front, config)
}

func driftWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	config, web := b.object(settings), b.object(deployment)
	before := b.apply(config, web)
	b.patch(config, "somebody", "", `{"data": {"a": "three"}}`)
	b.requests.refuse = func(request *http.Request) bool {
		writes := request.Method != http.MethodGet && !request.URL.Query().Has("dryRun")
		if writes {
			t.Errorf("it writes: %s %s", request.Method, request.URL)
		}
		return writes
	}
	b.requests.take()
	b.drifts([]string{"ConfigMap/settings", ".data.a: one to three by somebody"}, config, web)
	want := []string{"GET configmaps/*", "GET deployments/*", "PATCH configmaps/*", "PATCH deployments/*"}
	if diff := cmp.Diff(want, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if live := b.live(web); live.GetGeneration() != before[1].Generation {
		t.Errorf("the Deployment was changed")
	}
}

func driftOfWhatWouldBeRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	web := b.object(deployment)
	// As a manifest is decoded, a number is an int64.
	b.must(unstructured.SetNestedField(web.Object, int64(1), "spec", "replicas"))
	b.apply(b.object(strings.ReplaceAll(deployment, "app: web", "app: other")))
	b.drifts([]string{
		"Deployment/web refused",
		".spec.selector.matchLabels.app: web to other by sherpack", ".spec.template.metadata.labels.app: web to other by sherpack",
	}, web)
}

const autoscaler = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 9}
`

func driftIsNotWhatAnAutoscalerSets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	web := b.object(deployment)
	b.apply(web)
	b.patch(web, "controller", "scale", `{"spec": {"replicas": 4}}`)
	scaled := []string{"Deployment/web", ".spec.replicas: 1 to 4 by controller (scale)"}
	b.drifts(scaled, web)
	other := b.object(strings.Replace(autoscaler, "name: web}\n", "name: other}\n", 1))
	b.must(unstructured.SetNestedField(other.Object, "other", "spec", "scaleTargetRef", "name"))
	b.apply(other)
	b.drifts(scaled, web)
	b.apply(b.object(autoscaler))
	b.drifts(nil, web)
	b.patch(web, "kubectl", "scale", `{"spec": {"replicas": 3}}`)
	b.drifts([]string{"Deployment/web", ".spec.replicas: 1 to 3 by kubectl (scale)"}, web)
}

func driftWithoutTheRightToListAutoscalers(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("get create patch", "deployments", "apps"))
	web := b.object(deployment)
	b.apply(web)
	b.patch(web, "controller", "scale", `{"spec": {"replicas": 4}}`)
	b.drifts([]string{"Deployment/web", ".spec.replicas: 1 to 4 by controller (scale)"}, web)
	b.missed("list horizontalpodautoscalers.autoscaling: what an autoscaler has set counts as changed")
}

func driftBesidesAnError(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("get create patch", "configmaps", ""))
	lines, err := b.drifted(b.object(service), b.object(settings))
	if diff := cmp.Diff([]string{"ConfigMap/settings missing"}, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "comparing Service/" + b.namespace + "/web: "; err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("error %v, want %s", err, want)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Drift(ended, []*unstructured.Unstructured{b.object(settings)}); err == nil {
		t.Error("there is no error although the context has ended")
	}
}

func driftOfASecretDoesNotQuoteIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	keys := b.object(`{apiVersion: v1, kind: Secret, metadata: {name: keys}, data: {token: c2VjcmV0}}`)
	b.apply(keys)
	b.patch(keys, "somebody", "", `{"data": {"token": "b3RoZXI="}}`)
	lines, err := b.drifted(keys)
	if text := strings.Join(lines, "\n"); err != nil || !strings.HasPrefix(text, "Secret/keys\n.data.token: ") || strings.Contains(text, "c2VjcmV0") || strings.Contains(text, "b3RoZXI") {
		t.Errorf("error %v, drift %s", err, text)
	}
}
