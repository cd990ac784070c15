package drift_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/drift"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	found := &unstructured.Unstructured{}
	json, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := found.UnmarshalJSON(json); err != nil {
		t.Fatal(err)
	}
	return found
}

// thing is an object with some content, and with managers of its fields: "manager operation subresource time fields".
func thing(t *testing.T, content string, managers ...string) *unstructured.Unstructured {
	t.Helper()
	var entries strings.Builder
	for _, manager := range managers {
		parts := strings.SplitN(manager, " ", 5)
		time := "time: " + parts[3] + ","
		if parts[3] == "-" {
			time = ""
		}
		fmt.Fprintf(&entries, "\n  - {manager: %s, operation: %s, subresource: %q, %s fieldsType: FieldsV1, fieldsV1: %s}",
			parts[0], parts[1], strings.TrimPrefix(parts[2], "-"), time, parts[4])
	}
	return object(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  managedFields:"+entries.String()+"\n"+content)
}

// said are fields as text: path, recorded, live, by whom, when.
func said(fields []drift.Field) []string {
	var lines []string
	for _, field := range fields {
		line := fmt.Sprintf("%s %v → %v", field.Path, field.Recorded, field.Live)
		if field.Removed {
			line = fmt.Sprintf("%s %v removed", field.Path, field.Recorded)
		}
		if field.By != nil {
			line += " " + field.By.String()
		}
		if field.By != nil && field.By.Time != nil {
			line += " " + field.By.Time.UTC().Format("15:04")
		}
		lines = append(lines, line)
	}
	return lines
}

func TestBetween(t *testing.T) {
	t.Parallel()
	const applied = `sherpack Apply - "2026-01-02T03:04:05Z" {"f:spec":{"f:replicas":{},"f:args":{},"f:env":{'k:{"name":"A"}':{".":{},"f:name":{},"f:value":{}}},"f:finalizers":{'v:"x"':{}},"f:labels":{"f:a":{}}}}`
	const restored = `spec: {replicas: 2, args: [a, b], env: [{name: A, value: "1"}], finalizers: [x], labels: {a: b}, defaulted: here}`
	for title, test := range map[string]struct {
		live     string
		managers []string
		want     []string
	}{
		"nothing": {live: restored},
		"a value, by its manager of now": {
			live: strings.Replace(restored, "replicas: 2", "replicas: 5", 1),
			managers: []string{
				`old Update - "2026-01-02T03:05:00Z" {"f:spec":{"f:replicas":{}}}`, `new Update - "2026-01-02T04:05:59Z" {"f:spec":{"f:replicas":{}}}`,
				`other Update - "2026-01-02T05:05:00Z" {"f:spec":{"f:args":{}}}`,
			},
			want: []string{".spec.replicas 2 → 5 new 04:05"},
		},
		"a value through a subresource, at a time that is not recorded": {
			live:     strings.Replace(restored, "replicas: 2", "replicas: 5", 1),
			managers: []string{`kubectl Update scale - {"f:spec":{"f:replicas":{}}}`},
			want:     []string{".spec.replicas 2 → 5 kubectl (scale)"},
		},
		"a value in an item":         {live: strings.Replace(restored, `value: "1"`, `value: "2"`, 1), want: []string{`.spec.env[name="A"].value 1 → 2`}},
		"an item is gone":            {live: strings.Replace(restored, `{name: A, value: "1"}`, "{name: B}", 1), want: []string{`.spec.env[name="A"] map[name:A value:1] removed`}},
		"a field is gone":            {live: strings.Replace(restored, "replicas: 2, ", "", 1), want: []string{".spec.replicas 2 removed"}},
		"a value of a set is gone":   {live: strings.Replace(restored, "finalizers: [x]", "finalizers: [y]", 1), want: []string{`.spec.finalizers[="x"] x removed`}},
		"a list that is one":         {live: strings.Replace(restored, "args: [a, b]", "args: [a]", 1), want: []string{".spec.args [a b] → [a]"}},
		"what was added by others":   {live: strings.Replace(restored, "env: [", `env: [{name: B, value: "3"}, `, 1)},
		"what was never applied":     {live: strings.Replace(restored, "defaulted: here", "defaulted: there, more: x", 1)},
		"several, in order of paths": {live: "spec: {args: [], env: [], finalizers: [], labels: {a: c}}", want: []string{".spec.args [a b] → []", `.spec.env[name="A"] map[name:A value:1] removed`, `.spec.finalizers[="x"] x removed`, ".spec.labels.a b → c", ".spec.replicas 2 removed"}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			fields, err := drift.Between(thing(t, test.live, test.managers...), thing(t, restored, applied), "sherpack")
			if diff := cmp.Diff(test.want, said(fields)); diff != "" || err != nil {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestBetweenHidesTheValuesOfSecrets(t *testing.T) {
	t.Parallel()
	const applied = `sherpack Apply - - {"f:data":{"f:a":{},"f:b":{}},"f:type":{}}`
	live, restored := thing(t, "data: {a: c2VjcmV0}\ntype: x"), thing(t, "data: {a: c2VjcmV0Mg==, b: c2VjcmV0}\ntype: z", applied)
	for _, object := range []*unstructured.Unstructured{live, restored} {
		object.SetAPIVersion("v1")
		object.SetKind("Secret")
	}
	fields, err := drift.Between(live, restored, "sherpack")
	want := []string{".data.a *** (recorded) → *** (live)", ".data.b *** (recorded) removed", ".type z → x"}
	if diff := cmp.Diff(want, said(fields)); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

func TestGuess(t *testing.T) {
	t.Parallel()
	recorded := object(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {app: web}, containers: [{name: main, image: a}, {name: side, image: b}, {name: gone, image: c}]}}`)
	live := thing(t, "spec: {selector: {app: other}, containers: [{name: side, image: b, pull: Always}, {name: main, image: c}]}",
		`somebody Update - "2026-01-02T03:04:05Z" {"f:spec":{"f:selector":{},"f:containers":{'k:{"name":"main"}':{"f:image":{}}}}}`)
	fields, err := drift.Guess(live, recorded)
	want := []string{
		`.spec.containers[name="gone"] map[image:c name:gone] removed`, `.spec.containers[name="main"].image a → c somebody 03:04`,
		".spec.selector.app web → other somebody 03:04",
	}
	if diff := cmp.Diff(want, said(fields)); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

func TestWithoutScaled(t *testing.T) {
	t.Parallel()
	autoscaler := func(namespace, apiVersion, kind, name string) unstructured.Unstructured {
		return *object(t, fmt.Sprintf("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a, namespace: %s}\nspec: {scaleTargetRef: {apiVersion: %s, kind: %s, name: %s}}",
			namespace, apiVersion, kind, name))
	}
	scaled := func(manager, subresource string) drift.Field {
		return drift.Field{By: &drift.Change{Manager: manager, Subresource: subresource}}
	}
	for title, test := range map[string]struct {
		autoscaler unstructured.Unstructured
		field      drift.Field
		stays      bool
	}{
		"by an autoscaler":                  {autoscaler: autoscaler("web", "apps/v1", "Deployment", "app"), field: scaled("kube-controller-manager", "scale")},
		"by one that names another version": {autoscaler: autoscaler("web", "apps/v1beta1", "Deployment", "app"), field: scaled("kube-controller-manager", "scale")},
		"by kubectl":                        {autoscaler: autoscaler("web", "apps/v1", "Deployment", "app"), field: scaled("kubectl", "scale"), stays: true},
		"not through the subresource":       {autoscaler: autoscaler("web", "apps/v1", "Deployment", "app"), field: scaled("kube-controller-manager", ""), stays: true},
		"by nobody on record":               {autoscaler: autoscaler("web", "apps/v1", "Deployment", "app"), stays: true},
		"with an autoscaler of another":     {autoscaler: autoscaler("web", "apps/v1", "Deployment", "other"), field: scaled("kube-controller-manager", "scale"), stays: true},
		"with one of another namespace":     {autoscaler: autoscaler("x", "apps/v1", "Deployment", "app"), field: scaled("kube-controller-manager", "scale"), stays: true},
		"with one of another kind":          {autoscaler: autoscaler("web", "apps/v1", "StatefulSet", "app"), field: scaled("kube-controller-manager", "scale"), stays: true},
		"with one of another group":         {autoscaler: autoscaler("web", "example.com/v1", "Deployment", "app"), field: scaled("kube-controller-manager", "scale"), stays: true},
	} {
		object := drift.Object{
			Ref:    corev1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "web", Name: "app"},
			Fields: []drift.Field{test.field},
		}
		if got := object.WithoutScaled([]unstructured.Unstructured{test.autoscaler}).Drifted(); got != test.stays {
			t.Errorf("%s: drifted %t", title, got)
		}
		if len(object.Fields) != 1 {
			t.Errorf("%s: the object was changed", title)
		}
	}
}
