package release_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	t.Run("phases tell what is deployed", phasesTellWhatIsDeployed)
	t.Run("a revision that cannot be read stays in it", unreadableRevisionStays)
}

func phasesTellWhatIsDeployed(t *testing.T) {
	t.Parallel()
	type facts struct {
		// Newest and Deployed are revisions, 0 for none.
		Newest, Deployed, Next int
		Ever                   bool
		// Unknown is the revision that may be deployed.
		Unknown int
	}
	for title, test := range map[string]struct {
		history release.History
		want    facts
	}{
		"nothing":                                 {want: facts{Next: 1}},
		"one that is deployed":                    {history: history(1, release.Deployed), want: facts{1, 1, 2, true, 0}},
		"an install that failed":                  {history: history(1, release.Failed), want: facts{1, 0, 2, false, 0}},
		"an install that was cut short":           {history: history(1, release.PendingInstall), want: facts{1, 0, 2, false, 0}},
		"an upgrade that failed":                  {history: history(1, release.Deployed, release.Failed), want: facts{2, 1, 3, true, 0}},
		"an upgrade":                              {history: history(1, release.Superseded, release.Deployed), want: facts{2, 2, 3, true, 0}},
		"one that was not superseded in time":     {history: history(1, release.Deployed, release.Deployed), want: facts{2, 2, 3, true, 0}},
		"the oldest are gone":                     {history: history(11, release.Superseded, release.Deployed, release.Failed), want: facts{13, 12, 14, true, 0}},
		"uninstalled, with its history":           {history: history(1, release.Superseded, release.Uninstalled), want: facts{2, 0, 3, false, 0}},
		"uninstalled, and a new install fails":    {history: history(1, release.Superseded, release.Uninstalled, release.Failed), want: facts{3, 0, 4, false, 0}},
		"uninstalled, and installed again":        {history: history(1, release.Uninstalled, release.Deployed), want: facts{2, 2, 3, true, 0}},
		"uninstalled, installed and upgraded":     {history: history(1, release.Uninstalled, release.Superseded, release.Failed), want: facts{3, 0, 4, true, 0}},
		"an uninstallation that was cut short":    {history: history(1, release.Failed, release.Uninstalling), want: facts{2, 0, 3, false, 0}},
		"a removal of an upgraded one that fails": {history: history(1, release.Superseded, release.Failed), want: facts{2, 0, 3, true, 0}},
		"uninstalled, not superseded in time":     {history: history(1, release.Deployed, release.Uninstalled), want: facts{2, 0, 3, false, 0}},
		"one of which nobody knows":               {history: history(1, ""), want: facts{1, 0, 2, true, 1}},
		"an upgrade of which nobody knows":        {history: history(1, release.Deployed, ""), want: facts{2, 1, 3, true, 2}},
		"uninstalled, and unknown before":         {history: history(1, "", release.Uninstalled), want: facts{2, 0, 3, false, 0}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got := facts{
				Newest: number(test.history.Newest()), Deployed: number(test.history.Deployed()),
				Next: test.history.NextRevision(), Ever: test.history.EverDeployed(), Unknown: number(test.history.Unknown()),
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

// history is revisions in these phases, from number first on.
func history(first int, phases ...release.Phase) release.History {
	var revisions release.History
	for i, phase := range phases {
		r := release.New("shop", "web", first+i)
		r.Status.Phase = phase
		revisions = append(revisions, r)
	}
	return revisions
}

// number is a revision's, 0 for none.
func number(r *release.Release) int {
	if r == nil {
		return 0
	}
	return r.Spec.Revision
}

// A revision whose head cannot be read keeps its number, and counts as deployed where its phase says so; it is neither listed
// nor gone back to.
func unreadableRevisionStays(t *testing.T) {
	t.Parallel()
	revisions := history(1, release.Superseded, release.Superseded, release.Deployed, "")
	for _, number := range []int{2, 3, 4} {
		revisions.Revision(number).Record.Damage.Head = errors.New("damaged")
	}
	if next := revisions.NextRevision(); next != 5 {
		t.Errorf("the next revision is %d", next)
	}
	if deployed := number(revisions.Deployed()); deployed != 3 {
		t.Errorf("revision %d is deployed", deployed)
	}
	if before := number(revisions.DeployedBefore(4)); before != 1 {
		t.Errorf("revision %d was deployed before", before)
	}
	var readable []int
	for _, r := range revisions.Readable() {
		readable = append(readable, r.Spec.Revision)
	}
	if diff := cmp.Diff([]int{1}, readable); diff != "" {
		t.Errorf("readable are (-want +got):\n%s", diff)
	}
	if len(revisions) != 4 {
		t.Errorf("the history has %d revisions left", len(revisions))
	}
}
