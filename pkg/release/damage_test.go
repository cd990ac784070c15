package release_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// A revision whose head cannot be read keeps its number, and counts as deployed where its phase says so; it is neither listed
// nor gone back to.
func TestARevisionThatCannotBeReadStandsInTheHistory(t *testing.T) {
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

func TestAnEntryNamesAnObjectThatCanBeAskedFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		entry release.Entry
		want  string
	}{
		"a name of the cluster":        {release.Entry{Kind: "ClusterRole", Name: "system:shop"}, ""},
		"no kind":                      {release.Entry{Name: "a"}, "names no object"},
		"no name":                      {release.Entry{Kind: "ConfigMap"}, "names no object"},
		"the folder above":             {release.Entry{Kind: "ConfigMap", Namespace: "web", Name: ".."}, `has the name "..", which may not be '..'`},
		"a folder":                     {release.Entry{Kind: "ConfigMap", Namespace: "web", Name: "a/b"}, `has the name "a/b", which may not contain '/'`},
		"a namespace that is a folder": {release.Entry{Kind: "ConfigMap", Namespace: "../a%", Name: "a"}, `has the namespace "../a%", which may not contain '/', may not contain '%'`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := test.entry.Check(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("the error is %q", got)
			}
		})
	}
}
