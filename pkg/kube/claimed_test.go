package kube_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

// A conflict about nothing but claimed fields is taken; where others are in conflict, too, nothing is.
func TestOnlyClaimedFieldsAreTaken(t *testing.T) {
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
