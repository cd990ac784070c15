package e2e

import (
	"os"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// sizeKinds are where the kinds of the pack are served.
func sizeKinds() map[string]schema.GroupVersionResource {
	return map[string]schema.GroupVersionResource{
		"ConfigMap":      corev1.SchemeGroupVersion.WithResource("configmaps"),
		"Secret":         corev1.SchemeGroupVersion.WithResource("secrets"),
		"ServiceAccount": corev1.SchemeGroupVersion.WithResource("serviceaccounts"),
		"Service":        corev1.SchemeGroupVersion.WithResource("services"),
		"Role":           {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
		"Deployment":     {Group: "apps", Version: "v1", Resource: "deployments"},
	}
}

// check compares all objects of the namespace with what must be there after a step.
func (r *sizeRun) check(t *testing.T, step sizeStep) {
	t.Helper()
	for kind, resource := range sizeKinds() {
		var seen int
		r.visit(t, resource, func(object *unstructured.Unstructured) {
			number, err := strconv.Atoi(strings.TrimPrefix(object.GetName(), "item-"))
			if err != nil || number >= r.each {
				t.Errorf("%s: there is a %s of the name %s", step.name, kind, object.GetName())
				return
			}
			seen++
			r.checkMarks(t, step, object)
			if kind == "ConfigMap" || kind == "Secret" {
				r.checkText(t, step, object, number)
			}
		})
		if seen != r.each {
			t.Errorf("%s: there are %d objects of kind %s, not %d", step.name, seen, kind, r.each)
		}
	}
}

// visit shows all objects of a kind in the namespace that are not Kubernetes' or the release's record. It reads few at a
// time: the memory of this process counts as that of the programs that it starts.
func (r *sizeRun) visit(t *testing.T, resource schema.GroupVersionResource, visit func(*unstructured.Unstructured)) {
	t.Helper()
	client, err := dynamic.NewForConfig(clustertest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	options := metav1.ListOptions{Limit: 20, LabelSelector: "owner!=sherpack"}
	for {
		page, err := client.Resource(resource).Namespace(r.namespace).List(t.Context(), options)
		if err != nil {
			t.Fatalf("list %s: %v", resource.Resource, err)
		}
		for i := range page.Items {
			if name := page.Items[i].GetName(); name != "kube-root-ca.crt" && name != "default" {
				visit(&page.Items[i])
			}
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return
		}
	}
}

// checkMarks compares what says whose an object is, that it is still the one that was made first, and what it is.
func (r *sizeRun) checkMarks(t *testing.T, step sizeStep, object *unstructured.Unstructured) {
	t.Helper()
	title := object.GetKind() + "/" + object.GetName()
	if uid := string(object.GetUID()); r.uids[title] == "" {
		r.uids[title] = uid
	} else if r.uids[title] != uid {
		t.Errorf("%s: %s was made anew", step.name, title)
	}
	if got := object.GetAnnotations()["tag"]; got != step.tag {
		t.Errorf("%s: %s says %q, not %q", step.name, title, got, step.tag)
	}
	if got := object.GetLabels()["sherpack.io/release"]; got != "app" {
		t.Errorf("%s: %s belongs to release %q", step.name, title, got)
	}
}

// checkText compares the content of a ConfigMap or a Secret.
func (r *sizeRun) checkText(t *testing.T, step sizeStep, object *unstructured.Unstructured, number int) {
	t.Helper()
	want, file := map[string]string{"text": "text"}, r.file("config", number)
	switch {
	case object.GetKind() == "Secret":
		want["text"], file = "dGV4dA==", r.file("secret", number)
	case number == 0:
		want["text"] = step.first
	}
	if number < r.filled {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want["file"] = string(content)
	}
	data, _, err := unstructured.NestedStringMap(object.Object, "data")
	if err != nil || len(data) != len(want) {
		t.Errorf("%s: %s/%s has %d texts: %v", step.name, object.GetKind(), object.GetName(), len(data), err)
	}
	for key, text := range want {
		// Not the texts themselves: these are long.
		if data[key] != text {
			t.Errorf("%s: %s of %s/%s is another, of %d bytes", step.name, key, object.GetKind(), object.GetName(), len(data[key]))
		}
	}
}

// mustBeEmpty looks for anything that is left of the release, its record included.
func (r *sizeRun) mustBeEmpty(t *testing.T) {
	t.Helper()
	left := r.kubectl(t, "get", "configmaps,secrets,serviceaccounts,services,roles,deployments,jobs,leases,pods", "-o", "name")
	if left = strings.TrimSpace(left); left != "configmap/kube-root-ca.crt\nserviceaccount/default" {
		t.Errorf("there is left:\n%s", lastLines(left))
	}
}
