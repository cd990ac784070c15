package release_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		name string
		want bool
	}{
		"a word":                   {name: "shop", want: true},
		"one letter":               {name: "a", want: true},
		"a digit first":            {name: "2nd-shop", want: true},
		"53 characters":            {name: strings.Repeat("a", 53), want: true},
		"54 characters":            {name: strings.Repeat("a", 54)},
		"nothing":                  {name: ""},
		"a capital":                {name: "Shop"},
		"a dot":                    {name: "shop.web"},
		"an underscore":            {name: "shop_web"},
		"a slash":                  {name: "release/shop"},
		"a dash first":             {name: "-shop"},
		"a dash last":              {name: "shop-"},
		"a letter beyond ASCII":    {name: "bücher"},
		"a line break at the end":  {name: "shop\n"},
		"what a selector obeys":    {name: "shop,owner=x"},
		"a path out of the folder": {name: "../shop"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			err := release.CheckName(test.name)
			if got := err == nil; got != test.want {
				t.Errorf("%q is a name: %v, want %v: %v", test.name, got, test.want, err)
			}
		})
	}
}

func TestPending(t *testing.T) {
	t.Parallel()
	for phase, want := range map[release.Phase]bool{
		release.PendingInstall: true, release.PendingUpgrade: true, release.PendingRollback: true, release.Uninstalling: true,
		release.Deployed: false, release.Superseded: false, release.Failed: false, release.Uninstalled: false, "": false,
	} {
		if got := phase.Pending(); got != want {
			t.Errorf("%q is pending: %v, want %v", phase, got, want)
		}
	}
}

func TestTheConditionFollowsThePhase(t *testing.T) {
	t.Parallel()
	for phase, want := range map[release.Phase]metav1.Condition{
		release.PendingInstall:  {Status: metav1.ConditionUnknown, Reason: "PendingInstall"},
		release.PendingUpgrade:  {Status: metav1.ConditionUnknown, Reason: "PendingUpgrade"},
		release.PendingRollback: {Status: metav1.ConditionUnknown, Reason: "PendingRollback"},
		release.Deployed:        {Status: metav1.ConditionTrue, Reason: "Deployed"},
		release.Superseded:      {Status: metav1.ConditionFalse, Reason: "Superseded"},
		release.Failed:          {Status: metav1.ConditionFalse, Reason: "Failed"},
		release.Uninstalling:    {Status: metav1.ConditionUnknown, Reason: "Uninstalling"},
		release.Uninstalled:     {Status: metav1.ConditionFalse, Reason: "Uninstalled"},
	} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			r := release.New("shop", "web", 4)
			r.Status.Phase, r.Status.Message = phase, "because"
			now := metav1.Unix(100, 0)
			r.SetCondition(now)
			want.Type, want.Message, want.ObservedGeneration, want.LastTransitionTime = "Deployed", "because", 4, now
			if diff := cmp.Diff([]metav1.Condition{want}, r.Status.Conditions); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheTimeOfTheConditionIsThatOfItsLastTransition(t *testing.T) {
	t.Parallel()
	r := release.New("shop", "web", 1)
	at := func(second int64) metav1.Time { return metav1.Unix(second, 0) }
	for i, step := range []struct {
		phase release.Phase
		want  int64
	}{
		{release.PendingInstall, 0}, {release.Uninstalling, 0}, {release.Deployed, 2}, {release.Deployed, 2}, {release.Superseded, 4}, {release.Failed, 4},
	} {
		r.Status.Phase = step.phase
		r.SetCondition(at(int64(i)))
		condition := r.Status.Conditions[0]
		if want := at(step.want); len(r.Status.Conditions) != 1 || !condition.LastTransitionTime.Equal(&want) {
			t.Errorf("step %d, %s: conditions are %+v", i, step.phase, r.Status.Conditions)
		}
	}
}

func TestShownHasWhatWasSeenOnTheCluster(t *testing.T) {
	t.Parallel()
	now := metav1.NewTime(time.Unix(100, 0))
	r := release.New("shop", "web", 3)
	r.Status.Phase, r.Status.StartedAt = release.Failed, &now
	r.Inventory = []release.Entry{
		{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: "never-applied", Role: release.Regular},
		{
			Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "web", Name: "shop", UID: "1", Role: release.Regular,
			Origin: release.Adopted, Keep: true, Hash: "abc", Generation: 2, ResourceVersion: "3",
		},
		{Version: "v1", Kind: "Namespace", Name: "extra", UID: "2", Role: release.HookRun, Phases: []string{"test"}, Origin: release.Created},
	}
	before := *r
	got := r.Shown(2)
	want := before
	want.Status.DeployedRevision = 2
	want.Status.Resources = []release.Resource{
		{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "web", Name: "shop", UID: "1", Role: release.Regular, Origin: release.Adopted, Keep: true},
		{APIVersion: "v1", Kind: "Namespace", Name: "extra", UID: "2", Role: release.HookRun, Origin: release.Created},
	}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&before, r); diff != "" {
		t.Errorf("the release itself has changed (-want +got):\n%s", diff)
	}
	// Shown again, nothing stands there twice.
	if diff := cmp.Diff(&want, got.Shown(2)); diff != "" {
		t.Errorf("shown again (-want +got):\n%s", diff)
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

func TestHistory(t *testing.T) {
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

// number is a revision's, 0 for none.
func number(r *release.Release) int {
	if r == nil {
		return 0
	}
	return r.Spec.Revision
}

func TestAReferenceIsThatOfTheObject(t *testing.T) {
	t.Parallel()
	core := release.Entry{Version: "v1", Kind: "Secret", Namespace: "web", Name: "a", UID: "1"}.Reference()
	if got := core.APIVersion + " " + core.Kind + " " + core.Namespace + " " + core.Name + " " + string(core.UID); got != "v1 Secret web a 1" {
		t.Errorf("a reference without a group is %s", got)
	}
	grouped := release.Entry{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole", Name: "a:b"}.Reference()
	if got := grouped.APIVersion + " " + grouped.Namespace + "/" + grouped.Name; got != "rbac.authorization.k8s.io/v1 /a:b" {
		t.Errorf("a reference with a group is %s", got)
	}
}

func TestNewIsReadyToBePlanned(t *testing.T) {
	t.Parallel()
	want := &release.Release{
		TypeMeta:   metav1.TypeMeta{APIVersion: "sherpack.io/v1alpha1", Kind: "Release"},
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "web"},
		Spec:       release.Spec{Revision: 2},
	}
	if diff := cmp.Diff(want, release.New("shop", "web", 2), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("new (-want +got):\n%s", diff)
	}
}
