package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestRollback(t *testing.T) {
	t.Parallel()
	t.Run("hooks of both revisions run", hooksOfBothRevisionsRun)
	t.Run("a rollback after an uninstallation installs", aRollbackAfterAnUninstallationInstalls)
}

func hooksOfBothRevisionsRun(t *testing.T) {
	t.Parallel()
	old := plantest.Revision(t, 2, release.Superseded, plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("old", "pre-rollback,post-rollback", ""))
	left := plantest.Revision(t, 5, release.Deployed, plantest.Object("v1", "ConfigMap", "new")+plantest.Hook("new", "pre-rollback,post-rollback", ""))
	planned, err := plan.New(plantest.Rollback(t, old, left))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"run-hooks pre-rollback pre-rollback/new", "apply ConfigMap/app", "run-hooks post-rollback post-rollback/old",
		"delete Job/shop-new", "delete ConfigMap/new",
	}
	if diff := cmp.Diff(want, plantest.Steps(planned.Steps)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"pre-rollback/new from 5: Pending", "post-rollback/old from 2: Pending"}, plantest.Records(planned.Release)); diff != "" {
		t.Error(diff)
	}
	if spec := planned.Release.Spec; spec.Revision != 6 || spec.FromRevision != 2 || planned.Operation != release.OperationRollback {
		t.Errorf("%s to %+v", planned.Operation, spec)
	}
}

// What was uninstalled is installed again from its record: there is nothing to leave.
func aRollbackAfterAnUninstallationInstalls(t *testing.T) {
	t.Parallel()
	removed := plantest.Revision(t, 1, release.Uninstalled, plantest.Hook("a", "pre-install,pre-rollback", "")+plantest.Object("v1", "ConfigMap", "app"))
	planned, err := plan.New(plantest.Rollback(t, removed))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"run-hooks pre-install pre-install/a", "apply ConfigMap/app"}, plantest.Steps(planned.Steps)); diff != "" {
		t.Error(diff)
	}
}

// A rollback is made from what the revision it restores was made from, by somebody else.
func TestRollbackKeepsWhatARevisionWasMadeFrom(t *testing.T) {
	t.Parallel()
	target, newest := release.New("shop", "web", 1), release.New("shop", "web", 2)
	target.Spec.Provenance = &release.Provenance{User: "ann", Host: "a", Run: "https://a", Commit: "01", Dirty: true, Digest: "sha256:01"}
	got := plan.Rollback(target, newest, release.History{target, newest}, plan.Options{}).Release.Spec.Provenance
	if diff := cmp.Diff(&release.Provenance{Commit: "01", Dirty: true, Digest: "sha256:01"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
