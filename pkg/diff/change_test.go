package diff_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/diff"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	if text == "" {
		return nil
	}
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

func text(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	if object == nil {
		return ""
	}
	encoded, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func TestNew(t *testing.T) {
	t.Parallel()
	t.Run("what the API server keeps is no difference", noiseIsNoDifference)
	t.Run("all else is", contentIsADifference)
}

func noiseIsNoDifference(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct{ before, after, shown string }{
		"of any object": {
			before: `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: x, resourceVersion: "1", generation: 1, creationTimestamp: "2026-01-02T03:04:05Z", managedFields: [{manager: a}]}, status: {a: b}}`,
			after:  `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, resourceVersion: "2", generation: 2}}`,
			shown:  "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n",
		},
		"kubectl's copy of it": {
			before: `{apiVersion: v1, kind: Secret, metadata: {name: a, annotations: {kubectl.kubernetes.io/last-applied-configuration: secret}}}`,
			after:  `{apiVersion: v1, kind: Secret, metadata: {name: a, labels: {}}}`,
			shown:  "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n",
		},
		"what a Job is given": {
			before: `{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {selector: {matchLabels: {batch.kubernetes.io/controller-uid: x}}, template: {metadata: {labels: {job-name: a, app: a}}}}}`,
			after:  `{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {selector: {matchLabels: {batch.kubernetes.io/controller-uid: y}}, template: {metadata: {labels: {job-name: a-1, app: a}}}}}`,
			shown:  "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: a\nspec:\n  selector:\n    matchLabels: {}\n  template:\n    metadata:\n      labels:\n        app: a\n",
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			before, after := object(t, test.before), object(t, test.after)
			change, differs := diff.New(kinds.RefOf(before), "configured", before, after)
			if differs {
				t.Error("it differs")
			}
			if diff := cmp.Diff([]string{test.shown, test.shown}, []string{text(t, change.Before), text(t, change.After)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(object(t, test.before), before); diff != "" {
				t.Errorf("what was given was changed:\n%s", diff)
			}
		})
	}
}

func contentIsADifference(t *testing.T) {
	t.Parallel()
	const plain = `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: b}}`
	for title, test := range map[string][2]string{
		"a value":         {plain, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: c}}`},
		"a label":         {plain, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {a: b}}, data: {a: b}}`},
		"a creation":      {"", plain},
		"a deletion":      {plain, ""},
		"another version": {plain, `{apiVersion: v2, kind: ConfigMap, metadata: {name: a}, data: {a: b}}`},
	} {
		before, after := object(t, test[0]), object(t, test[1])
		if _, differs := diff.New(kinds.RefOf(object(t, plain)), "", before, after); !differs {
			t.Errorf("%s does not differ", title)
		}
	}
}

func TestBetween(t *testing.T) {
	t.Parallel()
	objects := func(texts ...string) (found []*unstructured.Unstructured) {
		for _, text := range texts {
			found = append(found, object(t, text))
		}
		return found
	}
	named := func(kind, name, value string) string {
		return `{apiVersion: v1, kind: ` + kind + `, metadata: {name: ` + name + `}, data: {a: ` + value + `}}`
	}
	changes := diff.Between(
		objects(named("ConfigMap", "same", "x"), named("ConfigMap", "gone", "x"), named("ConfigMap", "twice", "x"), named("ConfigMap", "twice", "y"), named("Secret", "changed", "x")),
		objects(named("Secret", "changed", "z"), named("ConfigMap", "same", "x"), named("ConfigMap", "twice", "x"), named("ConfigMap", "twice", "z"), named("Secret", "same", "x")),
	)
	var got []string
	for _, change := range changes {
		got = append(got, change.Ref.Kind+"/"+change.Ref.Name+" "+change.Action)
	}
	want := []string{"Secret/changed configured", "ConfigMap/twice configured", "Secret/same created", "ConfigMap/gone deleted"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	t.Run("values of a Secret are hidden", valuesOfASecretAreHidden)
	t.Run("those of other kinds are not", valuesOfOtherKindsAreNotHidden)
}

func valuesOfASecretAreHidden(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: v1\n"
	for title, test := range map[string]struct{ before, after, wantBefore, wantAfter string }{
		"those that stay, change, go and come": {
			before: "data: {stays: c2VjcmV0, changes: c2VjcmV0, goes: c2VjcmV0}", after: "data: {stays: c2VjcmV0, changes: c2VjcmV0Mg==, comes: c2VjcmV0}",
			wantBefore: "data:\n  changes: '*** (before)'\n  goes: '***'\n  stays: '***'\n",
			wantAfter:  "data:\n  changes: '*** (after)'\n  comes: '***'\n  stays: '***'\n",
		},
		"as they were written": {
			before: "stringData: {a: c2VjcmV0}", after: "stringData: {a: secret}",
			wantBefore: "stringData:\n  a: '*** (before)'\n", wantAfter: "stringData:\n  a: '*** (after)'\n",
		},
		"of a new one": {after: "data: {a: secret}", wantAfter: "data:\n  a: '***'\n"},
		"that are no texts": {
			before: "stringData: {a: {b: secret}}\ndata: secret", after: "stringData: {a: {b: secret}}\ndata: [secret]",
			wantBefore: "data:\n  \"\": '*** (before)'\nstringData:\n  a: '***'\n", wantAfter: "data:\n  \"\": '*** (after)'\nstringData:\n  a: '***'\n",
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			whole := func(data string) *unstructured.Unstructured {
				if data == "" {
					return nil
				}
				return object(t, head+"kind: Secret\nmetadata: {name: a}\n"+data)
			}
			before, after := whole(test.before), whole(test.after)
			masked, err := (diff.Change{Ref: kinds.RefOf(after), Before: before, After: after}).Masked()
			if err != nil {
				t.Fatal(err)
			}
			data := func(object *unstructured.Unstructured) string {
				return strings.Replace(strings.TrimPrefix(text(t, object), head), "kind: Secret\nmetadata:\n  name: a\n", "", 1)
			}
			if diff := cmp.Diff([]string{test.wantBefore, test.wantAfter}, []string{data(masked.Before), data(masked.After)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func valuesOfOtherKindsAreNotHidden(t *testing.T) {
	t.Parallel()
	change := diff.Change{After: object(t, `{apiVersion: example.com/v1, kind: Secret, metadata: {name: a}, data: {a: b}}`)}
	change.Ref = kinds.RefOf(change.After)
	masked, err := change.Masked()
	if diff := cmp.Diff(change, masked); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}
