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

func TestNew(t *testing.T) {
	t.Parallel()
	t.Run("it is ready to be planned", newIsReadyToBePlanned)
}

func newIsReadyToBePlanned(t *testing.T) {
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

func TestSetCondition(t *testing.T) {
	t.Parallel()
	t.Run("the condition follows the phase", theConditionFollowsThePhase)
	t.Run("its time is that of its last transition", timeOfLastTransition)
}

func theConditionFollowsThePhase(t *testing.T) {
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

func timeOfLastTransition(t *testing.T) {
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

func TestShown(t *testing.T) {
	t.Parallel()
	t.Run("it has what was seen on the cluster", shownHasWhatWasSeen)
}

func shownHasWhatWasSeen(t *testing.T) {
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
