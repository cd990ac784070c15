package kube_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: nginx}]
`

// applyOne applies one object and returns what was said of it.
func (b *bench) applyOne(object *unstructured.Unstructured, options kube.ApplyOptions) kube.Applied {
	b.Helper()
	var applied kube.Applied
	err := b.Apply(b.Context(), []*unstructured.Unstructured{object}, options, func(_ int, a kube.Applied) { applied = a })
	if diff := cmp.Diff(fmt.Sprint(applied.Err), fmt.Sprint(err)); diff != "" {
		b.Errorf("the error and the object's (-want +got):\n%s", diff)
	}
	return applied
}

func TestApply(t *testing.T) {
	t.Parallel()
	t.Run("objects are created and updated", objectsAreCreatedAndUpdated)
	t.Run("each object is reported once", eachObjectIsReportedOnce)
	t.Run("nothing is sent after the end", nothingIsSentAfterTheEnd)
	t.Run("fields of others are in conflict", fieldsOfOthersAreInConflict)
	t.Run("a refusal says what is wrong", aRefusalSaysWhatIsWrong)
	t.Run("values of a Secret are not in errors", valuesOfASecretAreNotInErrors)
	t.Run("a UID must be that of the object", uidMustBeThatOfTheObject)
	t.Run("an object that was replaced is not changed", anObjectThatWasReplacedIsNotChanged)
	t.Run("an object may be created and not changed", anObjectMayBeCreatedAndNotChanged)
	t.Run("an object needs a name and a namespace", anObjectNeedsANameAndANamespace)
	t.Run("a kind that is not served is no match", aKindThatIsNotServedIsNoMatch)
	t.Run("a lost answer does not hide what was created", aLostAnswerDoesNotHideWhatWasCreated)
	t.Run("only claimed fields are taken", onlyClaimedFieldsAreTaken)
}

func objectsAreCreatedAndUpdated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	web := b.object(deployment)
	first := b.applyOne(web, kube.ApplyOptions{})
	live := b.live(web)
	want := b.ref("apps/v1", "Deployment", "web")
	want.UID, want.ResourceVersion = live.GetUID(), first.Ref.ResourceVersion
	if diff := cmp.Diff(want, first.Ref); diff != "" || !first.Created || first.Generation != 1 {
		t.Errorf("created %v, generation %d, reference (-want +got):\n%s", first.Created, first.Generation, diff)
	}
	b.must(unstructured.SetNestedField(web.Object, int64(0), "spec", "replicas"))
	second := b.applyOne(web, kube.ApplyOptions{})
	if second.Created || second.Generation != 2 || second.Ref.UID != first.Ref.UID || second.Err != nil {
		t.Errorf("the update is %+v", second)
	}
	if got := b.live(web).GetManagedFields()[0].Manager; got != "sherpack" {
		t.Errorf("field manager %q", got)
	}
}

func eachObjectIsReportedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var objects []*unstructured.Unstructured
	for i := range 40 {
		objects = append(objects, b.object(fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d}}", i)))
	}
	objects[7].SetAPIVersion("v9")
	objects[20].SetAPIVersion("v9")
	calls := map[int]int{}
	err := b.Apply(t.Context(), objects, kube.ApplyOptions{}, func(i int, a kube.Applied) {
		calls[i]++
		if (a.Err != nil) != (i == 7 || i == 20) {
			t.Errorf("%d: %v", i, a.Err)
		}
	})
	if len(calls) != 40 {
		t.Errorf("%d objects were reported", len(calls))
	}
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "/c7:") || !strings.Contains(lines[1], "/c20:") {
		t.Errorf("the error is %v", err)
	}
}

func nothingIsSentAfterTheEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := b.Apply(ctx, []*unstructured.Unstructured{b.object(deployment)}, kube.ApplyOptions{}, func(int, kube.Applied) {
		t.Error("an object was sent")
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func fieldsOfOthersAreInConflict(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	web := b.object(deployment)
	b.apply(web)
	theirs := web.DeepCopy()
	b.must(unstructured.SetNestedField(theirs.Object, int64(3), "spec", "replicas"))
	_, err := b.client(web).Apply(t.Context(), "web", theirs, metav1.ApplyOptions{FieldManager: "autoscaler", Force: true})
	b.must(err)

	var conflict *refusal.ConflictError
	if err := b.applyOne(web, kube.ApplyOptions{}).Err; !errors.As(err, &conflict) || !apierrors.IsConflict(err) {
		t.Fatalf("the error is %v", err)
	}
	if diff := cmp.Diff([]refusal.FieldConflict{{Manager: "autoscaler", Field: ".spec.replicas"}}, conflict.Conflicts); diff != "" {
		t.Errorf("conflicts (-want +got):\n%s", diff)
	}
	want := fmt.Sprintf(`applying Deployment/%s/web: conflict: .spec.replicas is managed by "autoscaler"`, b.namespace)
	if diff := cmp.Diff(want, conflict.Error()); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if forced := b.applyOne(web, kube.ApplyOptions{ForceConflicts: true}); forced.Err != nil {
		t.Errorf("forced: %v", forced.Err)
	}
}

func aRefusalSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(b.object(deployment), b.object("{apiVersion: v1, kind: ConfigMap, metadata: {name: fixed}, immutable: true, data: {a: b}}"))
	const selector = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}, spec: {containers: [{name: web, image: nginx}]}}}}`
	for name, test := range map[string]struct {
		object string
		want   string
		target any
	}{
		"all unknown fields are named": {
			object: strings.ReplaceAll(strings.ReplaceAll(deployment, "replicas:", "replcas:"), "image:", "imag:"),
			want:   `applying Deployment/NS/web: invalid fields: spec.replcas: unknown field, spec.template.spec.containers[0].imag: unknown field`,
			target: new(*refusal.InvalidFieldsError),
		},
		"a value of the wrong type": {
			object: strings.ReplaceAll(deployment, "replicas: 1", "replicas: three"),
			want:   `applying Deployment/NS/web: invalid fields: spec.replicas: expected numeric (int or float), got string`,
			target: new(*refusal.InvalidFieldsError),
		},
		"an immutable field": {
			object: selector,
			want:   `applying Deployment/NS/web: immutable: spec.selector: field is immutable`,
			target: new(*refusal.ImmutableError),
		},
		"immutable data": {
			object: "{apiVersion: v1, kind: ConfigMap, metadata: {name: fixed}, immutable: true, data: {a: c}}",
			want:   "applying ConfigMap/NS/fixed: immutable: data: field is immutable when `immutable` is set",
			target: new(*refusal.ImmutableError),
		},
		"an invalid value is not immutable": {
			object: strings.ReplaceAll(deployment, "replicas: 1", "replicas: -1"),
			want:   `applying Deployment/NS/web: Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0`,
			target: new(*apierrors.StatusError),
		},
		"a kind that is not served": {
			object: "{apiVersion: nothing.example/v1, kind: Nothing, metadata: {name: none}}",
			want:   "applying Nothing/NS/none: the server does not serve kind Nothing of nothing.example/v1",
			target: new(*refusal.NotServedError),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := b.Apply(t.Context(), []*unstructured.Unstructured{b.object(test.object)}, kube.ApplyOptions{}, nil)
			if !errors.As(err, test.target) {
				t.Errorf("the error is a %T", err)
			}
			if diff := cmp.Diff(strings.ReplaceAll(test.want, "NS", b.namespace), fmt.Sprint(err)); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

// What is wrong with a Secret is said without its values.
func valuesOfASecretAreNotInErrors(t *testing.T) {
	t.Parallel()
	const secret = "{apiVersion: v1, kind: Secret, metadata: {name: NAME}, stringData: {a: b}}"
	checkEdits(t, map[string]edit{
		"a number":             {object: secret, old: "b}", new: "12345}", want: "invalid fields: stringData.a: expected string"},
		"a map":                {object: secret, old: "b}", new: "{hidden: hidden}}", want: "invalid fields: stringData.a: expected string"},
		"a list":               {object: secret, old: "{a: b}", new: `["hidden", "x: hidden\n  .y: hidden"]`, want: "invalid fields: stringData: expected map"},
		"no object":            {object: secret, old: "a: b}", new: "a: b}, data: hidden", want: "invalid fields: data: expected map"},
		"a key":                {object: secret, old: "a: b", new: "a b: hidden", want: `Secret "NAME" is invalid: data[a b]: Invalid value: "a b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`},
		"an unknown field":     {object: secret, old: "stringData", new: "stringdata", want: "invalid fields: stringdata: unknown field"},
		"what is not readable": {object: "{apiVersion: v1, kind: Secret, metadata: {name: NAME}, type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: '{}'}}", old: "'{}'", new: "hidden", want: `Secret "NAME" is invalid: data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid character 'h' looking for beginning of value`},
	})
}

func uidMustBeThatOfTheObject(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	web := b.object(deployment)
	uid := b.applyOne(web, kube.ApplyOptions{}).Ref.UID
	web.SetUID(uid)
	if err := b.applyOne(web, kube.ApplyOptions{}).Err; err != nil {
		t.Errorf("its own: %v", err)
	}
	web.SetUID(types.UID("11111111-1111-1111-1111-111111111111"))
	if err := b.applyOne(web, kube.ApplyOptions{}).Err; !errors.Is(err, refusal.ErrReplaced) {
		t.Errorf("another's: %v", err)
	}
	web.SetName("absent")
	if err := b.applyOne(web, kube.ApplyOptions{}).Err; !errors.Is(err, refusal.ErrGone) {
		t.Errorf("nobody's: %v", err)
	}
}

func anObjectThatWasReplacedIsNotChanged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	text := `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: "1"}}`
	first := b.apply(b.object(text))[0]
	changed := b.object(strings.Replace(text, `"1"`, `"2"`, 1))
	changed.SetUID(first.Ref.UID)
	b.must(b.admin.CoreV1().ConfigMaps(b.namespace).Delete(t.Context(), "c", metav1.DeleteOptions{}))
	if applied := b.applyOne(changed, kube.ApplyOptions{}); !errors.Is(applied.Err, refusal.ErrGone) {
		t.Errorf("gone: %v", applied.Err)
	}
	b.apply(b.object(text))
	if applied := b.applyOne(changed, kube.ApplyOptions{}); !errors.Is(applied.Err, refusal.ErrReplaced) {
		t.Errorf("replaced: %v", applied.Err)
	}
	if got := b.live(changed).Object["data"].(map[string]any)["a"]; got != "1" {
		t.Errorf("data %v", got)
	}
}

func anObjectMayBeCreatedAndNotChanged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, _ := widgets(b)
	for _, object := range []*unstructured.Unstructured{b.object(theirs), definition} {
		object.SetResourceVersion(kube.VersionOfNone)
		created := b.applyOne(object, kube.ApplyOptions{})
		if created.Err != nil || !created.Created {
			t.Fatalf("it is not created: %+v", created)
		}
		for _, force := range []bool{false, true} {
			changed := object.DeepCopy()
			changed.SetLabels(map[string]string{"changed": "true"})
			if again := b.applyOne(changed, kube.ApplyOptions{ForceConflicts: force}); !errors.Is(again.Err, refusal.ErrReplaced) {
				t.Errorf("the error is %v", again.Err)
			}
		}
		if live := b.live(object); len(live.GetLabels()) > 0 || live.GetUID() != created.Ref.UID {
			t.Errorf("it is %v", live.Object["metadata"])
		}
	}
	// So it is where others have other values.
	b.createAs("somebody", true, `{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {both: "2"}}`)
	mine := b.object(`{apiVersion: v1, kind: ConfigMap, metadata: {name: other, resourceVersion: "1"}, data: {both: "1"}}`)
	if applied := b.applyOne(mine, kube.ApplyOptions{}); !errors.Is(applied.Err, refusal.ErrReplaced) {
		t.Errorf("the error is %v", applied.Err)
	}
	answers, err := b.DryRun(t.Context(), []kube.DryRun{{Object: mine}})
	b.must(err)
	if !errors.Is(answers[0].Err, refusal.ErrReplaced) {
		t.Errorf("the check says %v", answers[0].Err)
	}
}

func anObjectNeedsANameAndANamespace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, field := range []string{"name", "namespace"} {
		web := b.object(deployment)
		unstructured.RemoveNestedField(web.Object, "metadata", field)
		if err := b.applyOne(web, kube.ApplyOptions{}).Err; err == nil || !strings.Contains(err.Error(), "no "+field) {
			t.Errorf("without %s: %v", field, err)
		}
	}
}

func aKindThatIsNotServedIsNoMatch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	err := b.applyOne(b.object("{apiVersion: nothing.example/v1, kind: Nothing, metadata: {name: none}}"), kube.ApplyOptions{}).Err
	if !meta.IsNoMatchError(err) {
		t.Errorf("the error is %v", err)
	}
}

func aLostAnswerDoesNotHideWhatWasCreated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.requests.lose = "PATCH configmaps/*"
	applied := b.applyOne(b.object(configMap), kube.ApplyOptions{})
	if !applied.Created || applied.Err != nil {
		t.Errorf("%+v", applied)
	}
	if diff := cmp.Diff([]string{"PATCH configmaps/*", "PATCH configmaps/*"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// A conflict about nothing but claimed fields is taken; where others are in conflict, too, nothing is.
func onlyClaimedFieldsAreTaken(t *testing.T) {
	t.Parallel()
	const object = `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {mark: ours, plain: ours}}, data: {a: ours}}`
	claims := []string{".metadata.labels.mark", ".metadata.labels.another/mark"}
	for name, test := range map[string]struct {
		theirs string
		taken  bool
	}{
		"a claimed one":             {`{labels: {mark: theirs}}`, true},
		"another":                   {`{labels: {plain: theirs}}`, false},
		"a claimed one and another": {`{labels: {mark: theirs, plain: theirs}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.apply(b.object(object))
			changed := b.live(b.object(object))
			labels := changed.GetLabels()
			for key, value := range b.object("metadata: " + test.theirs).GetLabels() {
				labels[key] = value
			}
			changed.SetLabels(labels)
			_, err := b.client(changed).Update(t.Context(), changed, metav1.UpdateOptions{FieldManager: "policy"})
			b.must(err)
			answers, err := b.DryRun(t.Context(), []kube.DryRun{{Object: b.object(object), Claims: claims}})
			b.must(err)
			if isConflict(answers[0].Err) == test.taken {
				t.Errorf("the check says %v", answers[0].Err)
			}
			if applied := b.applyOne(b.object(object), kube.ApplyOptions{Claims: claims}); isConflict(applied.Err) == test.taken {
				t.Errorf("the error is %v", applied.Err)
			}
			if value := b.live(changed).GetLabels()["mark"]; (value == "ours") != (test.taken || name == "another") {
				t.Errorf("the mark is %q", value)
			}
			outcome, err := b.RunHook(t.Context(), kube.HookRun{Object: b.object(object), Claims: claims}, nil)
			if isConflict(err) == test.taken || outcome.Succeeded != test.taken {
				t.Errorf("the hook: %v", err)
			}
		})
	}
}
