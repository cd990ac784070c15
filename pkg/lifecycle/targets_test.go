package lifecycle_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestTargets(t *testing.T) {
	t.Parallel()
	t.Run("are what is known to be on the cluster", targetsAreWhatIsOnTheCluster)
	t.Run("have the conditions of the manifest", targetsHaveTheConditionsOfTheManifest)
}

// entryOf is an entry of an inventory of release web/shop.
func entryOf(role release.Role, namespace, name string, uid types.UID) release.Entry {
	return release.Entry{Group: "example.com", Version: "v1", Kind: "Widget", Namespace: namespace, Name: name, UID: uid, Role: role}
}

func targetsAreWhatIsOnTheCluster(t *testing.T) {
	t.Parallel()
	r := release.New("shop", "web", 1)
	r.Inventory = []release.Entry{
		entryOf(release.Regular, "web", "b", "1"), entryOf(release.Regular, "web", "never-applied", ""),
		entryOf(release.HookRun, "web", "hook", "2"), entryOf(release.Regular, "", "a", "3"),
	}
	for phase, hookUID := range map[release.Phase]types.UID{
		release.Deployed: "2", release.Failed: "2",
		// It may be another one by now.
		release.PendingUpgrade: "", release.PendingInstall: "",
	} {
		r.Status.Phase = phase
		var got []corev1.ObjectReference
		for _, target := range lifecycle.Targets(r, nil) {
			got = append(got, target.Ref)
		}
		want := []corev1.ObjectReference{
			entryOf("", "web", "b", "1").Reference(), entryOf("", "web", "hook", hookUID).Reference(), entryOf("", "", "a", "3").Reference(),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", phase, diff)
		}
	}
}

func targetsHaveTheConditionsOfTheManifest(t *testing.T) {
	t.Parallel()
	nodes, err := manifest.DecodeStream([]byte(`
{apiVersion: example.com/v1, kind: Widget, metadata: {name: home, annotations: {sherpack.io/ready-when: condition=Up, sherpack.io/failed-when: condition=Down}}}
---
{apiVersion: example.com/v2, kind: Widget, metadata: {name: written, namespace: other, annotations: {sherpack.io/ready-when: condition=Up}}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: global, annotations: {sherpack.io/ready-when: condition=Up}}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: wrong, annotations: {sherpack.io/ready-when: condition=Up, sherpack.io/failed-when: nonsense}}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: hook, annotations: {sherpack.io/ready-when: condition=Up}}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: plain}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: elsewhere, annotations: {sherpack.io/ready-when: condition=Up}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	r := release.New("shop", "web", 1)
	r.Inventory = []release.Entry{
		entryOf(release.Regular, "web", "home", "1"), entryOf(release.Regular, "other", "written", "2"), entryOf(release.Regular, "", "global", "3"),
		entryOf(release.Regular, "web", "wrong", "4"), entryOf(release.HookRun, "web", "hook", "5"), entryOf(release.Regular, "web", "plain", "6"),
		// That of the manifest is in the namespace of the release.
		entryOf(release.Regular, "other", "elsewhere", "7"), entryOf(release.Regular, "web", "left-the-pack", "8"),
	}
	got := map[string][2]bool{}
	for _, target := range lifecycle.Targets(r, nodes) {
		got[target.Ref.Name] = [2]bool{target.Ready != nil, target.Failed != nil}
	}
	want := map[string][2]bool{
		"home": {true, true}, "written": {true, false}, "global": {true, false},
		"wrong": {}, "hook": {}, "plain": {}, "elsewhere": {}, "left-the-pack": {},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("whether there are conditions (-want +got):\n%s", diff)
	}
}
