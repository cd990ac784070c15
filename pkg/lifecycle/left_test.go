package lifecycle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestLeftDefinitions(t *testing.T) {
	t.Parallel()
	t.Run("one of others is left by all commands", definitionOfOthersIsLeft)
	t.Run("each owner is named once", eachOwnerIsNamedOnce)
	t.Run("one that others create meanwhile is left", definitionCreatedMeanwhileIsLeft)
	t.Run("one that others have taken over is left", definitionTakenOverIsLeft)
	t.Run("the release's own is applied", ownDefinitionIsApplied)
	t.Run("one is adopted where that is asked for", definitionIsAdoptedWhereAskedFor)
	t.Run("one of a pack is refused", definitionOfAPackIsRefused)
	t.Run("an undo leaves it", undoLeavesDefinition)
	t.Run("a preview says that it stays as it is", previewLeavesDefinition)
}

const things = "things.example.com"

// definition is that of a chart that defines Thing.
func definition() string {
	return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: " + things + ", annotations: {helm.sh/hook: crd-install}}\n" +
		"spec: {group: example.com, names: {kind: Thing}}\n---\n"
}

// planChart plans for the release of a chart.
func (s *story) planChart(t *testing.T, operation release.Operation, text string, options plan.Options) *work {
	t.Helper()
	planned := s.plan(t, operation, text, options)
	planned.Release.Content.Chart = true
	return planned
}

func thing() string { return plantest.Object("example.com/v1", "Thing", "a") }

// putDefinition places the definition with some labels and annotations on the cluster.
func putDefinition(cluster *cluster, labels, annotations map[string]any) {
	put(cluster, map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": "theirs", "metadata": map[string]any{
		"name": things, "labels": labels, "annotations": annotations,
	}})
}

func ownLabels() map[string]any { return map[string]any{plan.LabelManagedBy: "sherpack"} }

func definitionKey() kinds.Key {
	return kinds.Key{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: things}
}

// checkLeft checks that the definition is still that of others, and is not on the inventory.
func (s *story) checkLeft(t *testing.T) {
	t.Helper()
	if found := s.cluster.objects[definitionKey()]; found == nil || found.Object["spec"] != "theirs" {
		t.Errorf("the definition is %v", found)
	}
	if slices.ContainsFunc(s.newest().Inventory, func(entry release.Entry) bool { return entry.Key() == definitionKey() }) {
		t.Error("it is on the inventory")
	}
	for _, line := range s.cluster.log {
		if strings.Contains(line, things) {
			t.Errorf("it did %s", line)
		}
	}
}

func definitionOfOthersIsLeft(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		labels, annotations map[string]any
		want                string
	}{
		"nobody's": {nil, nil, "custom resource definitions of the chart already exist, are not part of any release, and are left as they are: " + things +
			". If the chart needs newer ones, update them with kubectl apply --server-side -f CHART/crds, or make them part of this release with --take-ownership."},
		"another release's": {ownLabels(), marks("other"), "already exist, belong to release web/other, and are left"},
		"Helm's":            {nil, map[string]any{plan.AnnotationHelmRelease: "other", plan.AnnotationHelmNamespace: "web"}, "already exist, belong to Helm release web/other, and are left"},
		"another tool's":    {map[string]any{plan.LabelManagedBy: "Flux"}, nil, `already exist, belong to "Flux", and are left`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory()
			putDefinition(s.cluster, test.labels, test.annotations)
			check := func(planned *work, warns bool) {
				t.Helper()
				said := s.must(t, planned)
				if warns && (len(said) != 1 || !strings.Contains(said[0], test.want)) || !warns && len(said) > 0 {
					t.Errorf("%s said %v", planned.Operation, said)
				}
				s.checkLeft(t)
			}
			text := definition() + thing() + plantest.Hook("a", "pre-install", "")
			check(s.planChart(t, release.OperationInstall, text, plan.Options{}), true)
			if want := []string{"dry-run Job/shop-a", "dry-run Thing/a"}; !slices.Equal(want, s.cluster.dryRuns) {
				t.Errorf("submitted was %v", s.cluster.dryRuns)
			}
			check(s.planChart(t, release.OperationUpgrade, text+settings("two"), plan.Options{}), true)
			check(s.planChart(t, release.OperationRollback, "1", plan.Options{DeleteCRDs: true}), true)
			check(s.planChart(t, release.OperationUninstall, "", plan.Options{DeleteCRDs: true}), false)
		})
	}
}

func eachOwnerIsNamedOnce(t *testing.T) {
	t.Parallel()
	s := newStory()
	text := definition()
	for _, name := range []string{"b", "c"} {
		text += strings.ReplaceAll(strings.ReplaceAll(definition(), "things", name), "Thing", name)
		put(s.cluster, map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": name + ".example.com"}})
	}
	putDefinition(s.cluster, ownLabels(), marks("other"))
	said := s.must(t, s.planChart(t, release.OperationInstall, text, plan.Options{}))
	if len(said) != 2 || !strings.Contains(said[0]+said[1], "left as they are: b.example.com, c.example.com. ") {
		t.Errorf("it said %v", said)
	}
}

// Another release of the chart may be installed at the same time: an apply would take its definition over without a word.
func definitionCreatedMeanwhileIsLeft(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.cluster.meanwhile = func() {
		if s.cluster.objects[definitionKey()] == nil {
			putDefinition(s.cluster, ownLabels(), marks("other"))
		}
	}
	said := s.must(t, s.planChart(t, release.OperationInstall, definition()+thing()+plantest.Hook("a", "pre-install", ""), plan.Options{}))
	if len(said) != 1 || !strings.Contains(said[0], "belong to release web/other") {
		t.Errorf("it said %v", said)
	}
	want := []string{"wait CustomResourceDefinition/" + things + " sherpack.io/release=shop", "apply Job/shop-a", "apply Thing/a"}
	if diff := cmp.Diff(want, s.cluster.log); diff != "" {
		t.Error(diff)
	}
	s.cluster.log = nil
	s.checkLeft(t)
}

func definitionTakenOverIsLeft(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.must(t, s.planChart(t, release.OperationInstall, definition()+thing(), plan.Options{}))
	annotate(s.cluster.objects[definitionKey()], plan.AnnotationRelease, "other")
	s.cluster.objects[definitionKey()].Object["spec"] = "theirs"
	if said := s.must(t, s.planChart(t, release.OperationUpgrade, definition()+thing(), plan.Options{})); len(said) != 1 {
		t.Errorf("it said %v", said)
	}
	s.checkLeft(t)
}

func ownDefinitionIsApplied(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.must(t, s.planChart(t, release.OperationInstall, definition(), plan.Options{}))
	changed := strings.Replace(definition(), "spec: {", "spec: {scope: Namespaced, ", 1)
	if said := s.must(t, s.planChart(t, release.OperationUpgrade, changed, plan.Options{})); len(said) > 0 {
		t.Errorf("it said %v", said)
	}
	if !slices.Contains(s.cluster.log, "apply CustomResourceDefinition/"+things) {
		t.Errorf("it did %v", s.cluster.log)
	}
}

func definitionIsAdoptedWhereAskedFor(t *testing.T) {
	t.Parallel()
	s := newStory()
	putDefinition(s.cluster, nil, nil)
	if said := s.must(t, s.planChart(t, release.OperationInstall, definition(), plan.Options{TakeOwnership: true})); len(said) > 0 {
		t.Errorf("it said %v", said)
	}
	if want := "take over CustomResourceDefinition/" + things; !slices.Contains(s.cluster.log, want) {
		t.Errorf("it did %v", s.cluster.log)
	}
}

func definitionOfAPackIsRefused(t *testing.T) {
	t.Parallel()
	s := newStory()
	putDefinition(s.cluster, nil, nil)
	_, err := s.run(t.Context(), s.plan(t, release.OperationInstall, definition(), plan.Options{}))
	var foreign *lifecycle.ForeignError
	if !errors.As(err, &foreign) {
		t.Errorf("the error is %v", err)
	}
}

func undoLeavesDefinition(t *testing.T) {
	t.Parallel()
	s := newStory()
	putDefinition(s.cluster, nil, nil)
	s.must(t, s.planChart(t, release.OperationInstall, definition()+settings("one"), plan.Options{}))
	s.cluster.outcomes["shop-a"] = exit3
	failed := s.planChart(t, release.OperationUpgrade, definition()+settings("two")+plantest.Hook("a", "post-upgrade", ""), plan.Options{})
	if _, err := s.run(t.Context(), failed); err == nil {
		t.Fatal("no error")
	}
	request := plan.Rollback(s.history[0], failed.Release, s.history, plan.Options{})
	request.Nodes, request.Left, request.Scopes = plantest.Nodes(t, s.texts[1]), plantest.Nodes(t, s.texts[2]), plantest.Scopes()
	undo, err := undoOf(failed, request)
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, undo)
	s.checkLeft(t)
}

func previewLeavesDefinition(t *testing.T) {
	t.Parallel()
	s := newStory()
	putDefinition(s.cluster, nil, nil)
	effects, err := previewed(t, s.cluster, s.planChart(t, release.OperationInstall, definition()+thing(), plan.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"CustomResourceDefinition/" + things + " unchanged", "Thing/a created"}, effects); diff != "" {
		t.Error(diff)
	}
}
