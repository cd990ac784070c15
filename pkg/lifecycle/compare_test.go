package lifecycle_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	t.Run("it has both versions of what changes", bothVersionsOfWhatChanges)
	t.Run("what would stay as it is counts as unchanged", whatWouldStayCountsAsUnchanged)
	t.Run("what cannot be asked for has no versions", whatCannotBeAskedForHasNoVersions)
	t.Run("what would be refused is no change", whatWouldBeRefusedIsNoChange)
	t.Run("what is recreated is one", whatIsRecreatedIsAChange)
	t.Run("hooks are none", hooksAreNoChange)
}

// valued is a ConfigMap with a value.
func valued(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {a: %s}\n---\n", name, value)
}

// versions says of an object what it holds; - for none.
func versions(object *unstructured.Unstructured) string {
	if object == nil {
		return "-"
	}
	text, _, _ := unstructured.NestedString(object.Object, "data", "a")
	defaulted, _, _ := unstructured.NestedString(object.Object, "defaulted")
	return strings.TrimSpace(text + " " + defaulted)
}

// comparedWith installs a manifest and compares an upgrade to another one.
func comparedWith(t *testing.T, cluster *cluster, installed, text string, options plan.Options) (lifecycle.Preview, []string, error) {
	t.Helper()
	first := mustPlan(t, installed, plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	next := upgrade(t, text, first.Release.Inventory, nil)
	next.Options = options
	preview, err := lifecycle.Runner{Cluster: cluster, Now: time.Now}.Compare(t.Context(), next.Plan)
	var said []string
	for _, change := range preview.Changes {
		said = append(said, fmt.Sprintf("%s/%s %s: %s → %s", change.Ref.Kind, change.Ref.Name, change.Action, versions(change.Before), versions(change.After)))
	}
	wrote := slices.DeleteFunc(cluster.log, func(line string) bool { return strings.HasPrefix(line, "remember ") })
	if len(wrote) > 0 {
		t.Errorf("it did %v", wrote)
	}
	return preview, said, err
}

func bothVersionsOfWhatChanges(t *testing.T) {
	t.Parallel()
	preview, said, err := comparedWith(t, newCluster(), valued("stays", "x")+valued("changes", "x")+valued("goes", "x"),
		valued("stays", "x")+valued("changes", "z")+valued("comes", "x"), plan.Options{})
	want := []string{"ConfigMap/changes configured: x → z default", "ConfigMap/comes created: - → x default", "ConfigMap/goes deleted: x → -"}
	if diff := cmp.Diff(want, said); diff != "" || err != nil || !preview.Differs() {
		t.Errorf("error %v, differs %t, changes (-want +got):\n%s", err, preview.Differs(), diff)
	}
}

func whatWouldStayCountsAsUnchanged(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, valued("app", "x"), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	for _, object := range cluster.objects {
		// Somebody has written it, and it is what it would be all the same.
		object.SetGeneration(7)
		_ = unstructured.SetNestedField(object.Object, "default", "defaulted")
	}
	next := upgrade(t, valued("app", "x"), first.Release.Inventory, nil)
	preview, err := lifecycle.Runner{Cluster: cluster, Now: time.Now}.Compare(t.Context(), next.Plan)
	if err != nil || preview.Differs() || len(cluster.dryRuns) == 0 {
		t.Errorf("error %v, differs %t, submitted %v", err, preview.Differs(), cluster.dryRuns)
	}
	for _, step := range preview.Changing().Plan.Steps {
		if len(step.Objects) > 0 {
			t.Errorf("%s counts as changing", step.Objects[0].Title())
		}
	}
}

func whatCannotBeAskedForHasNoVersions(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.unknown = []string{"changes", "comes"}
	_, said, err := comparedWith(t, cluster, valued("changes", "x"), valued("changes", "z")+valued("comes", "x"), plan.Options{})
	want := []string{"ConfigMap/changes configured: - → -", "ConfigMap/comes created: - → x"}
	if diff := cmp.Diff(want, said); diff != "" || err != nil {
		t.Errorf("error %v, changes (-want +got):\n%s", err, diff)
	}
}

func whatWouldBeRefusedIsNoChange(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.checkErr["bad"] = errRefused
	preview, said, err := comparedWith(t, cluster, valued("bad", "x"), valued("bad", "z")+valued("good", "x"), plan.Options{})
	if diff := cmp.Diff([]string{"ConfigMap/good created: - → x default"}, said); diff != "" || !errors.Is(err, errRefused) {
		t.Errorf("error %v, changes (-want +got):\n%s", err, diff)
	}
	if got := preview.Effect(0, preview.Plan.Steps[0].Objects[0].Reference()); got != lifecycle.ResultRefused {
		t.Errorf("the effect is %q", got)
	}
}

func whatIsRecreatedIsAChange(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.frozen = []string{"app"}
	_, said, err := comparedWith(t, cluster, valued("app", "x"), valued("app", "z"), plan.Options{RecreateImmutable: true})
	if diff := cmp.Diff([]string{"ConfigMap/app recreated: x → z default"}, said); diff != "" || err != nil {
		t.Errorf("error %v, changes (-want +got):\n%s", err, diff)
	}
}

func hooksAreNoChange(t *testing.T) {
	t.Parallel()
	text := valued("app", "x") + plantest.Hook("a", "pre-upgrade", "")
	preview, said, err := comparedWith(t, newCluster(), text, text, plan.Options{})
	if len(said) > 0 || preview.Differs() || err != nil {
		t.Errorf("error %v, changes %v", err, said)
	}
}
