package release_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	t.Run("objects are named by kind and namespace, in order", objectsAreNamedInOrder)
	t.Run("an object counts once for what was done to it", objectCountsOnce)
	t.Run("more than there is room for is counted", moreThanThereIsRoomForIsCounted)
	t.Run("one result leaves the others their room", oneResultLeavesTheOthersTheirRoom)
	t.Run("a copy shares nothing", copyOfChangesSharesNothing)
	t.Run("a result of a newer version is kept", resultOfANewerVersionIsKept)
}

func configMap(name string) kinds.Key {
	return kinds.Key{Kind: "ConfigMap", Namespace: "web", Name: name}
}

func objectsAreNamedInOrder(t *testing.T) {
	t.Parallel()
	var changes release.Changes
	changes.Add(release.ChangeNone, configMap("same"))
	changes.Add(release.ChangePruned, configMap("old"))
	changes.Add(release.ChangeCreated, kinds.Key{Group: "apps", Kind: "Deployment", Namespace: "web", Name: "web"})
	changes.Add(release.ChangeCreated, configMap("b"))
	changes.Add(release.ChangeCreated, kinds.Key{Kind: "Namespace", Name: "web"})
	changes.Add(release.ChangeCreated, configMap("a"))
	changes.Add(release.ChangeCreated, kinds.Key{Kind: "ConfigMap", Namespace: "shared", Name: "c"})
	want := `[{"result":"created","count":5,"objects":[` +
		`{"kind":"ConfigMap","namespace":"shared","names":["c"]},{"kind":"ConfigMap","namespace":"web","names":["a","b"]},` +
		`{"group":"apps","kind":"Deployment","namespace":"web","names":["web"]},{"kind":"Namespace","names":["web"]}]},` +
		`{"result":"pruned","count":1,"objects":[{"kind":"ConfigMap","namespace":"web","names":["old"]}]},{"result":"unchanged","count":1}]`
	text, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func objectCountsOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		results []release.ChangeResult
		want    string
	}{
		"created twice":                  {[]release.ChangeResult{release.ChangeCreated, release.ChangeCreated}, "1 created"},
		"created, then changed":          {[]release.ChangeResult{release.ChangeCreated, release.ChangeConfigured}, "1 created"},
		"adopted, then changed":          {[]release.ChangeResult{release.ChangeAdopted, release.ChangeConfigured}, "1 adopted"},
		"changed, then left as it is":    {[]release.ChangeResult{release.ChangeConfigured, release.ChangeNone}, "1 configured"},
		"deleted, then created":          {[]release.ChangeResult{release.ChangeDeleted, release.ChangeCreated}, "1 recreated"},
		"recreated, then changed":        {[]release.ChangeResult{release.ChangeDeleted, release.ChangeCreated, release.ChangeConfigured}, "1 recreated"},
		"created, then deleted by undo":  {[]release.ChangeResult{release.ChangeCreated, release.ChangeDeleted}, "1 created, 1 deleted"},
		"left as it is, and again later": {[]release.ChangeResult{release.ChangeNone, release.ChangeNone}, "2 unchanged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var changes release.Changes
			for _, result := range test.results {
				changes.Add(result, configMap("a"))
			}
			var got []string
			for _, change := range changes {
				got = append(got, fmt.Sprintf("%d %s", change.Count, change.Result))
			}
			if text := strings.Join(got, ", "); text != test.want {
				t.Errorf("%s, want %s", text, test.want)
			}
		})
	}
}

func moreThanThereIsRoomForIsCounted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		name        string
		count       int
		least, most int
	}{
		"a thousand objects are all named":   {"item-%04d-of-a-middling-length", 1000, 1000, 1000},
		"of more those there is room for":    {"item-%04d-of-a-middling-length", 5000, 1400, 1500},
		"of long names those there is room":  {strings.Repeat("x", 249) + "%04d", 1000, 180, 200},
		"each in a namespace of its own":     {"%04d/item", 2000, 600, 800},
		"one name that is longer than a lot": {strings.Repeat("x", 60_000) + "%d", 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var changes release.Changes
			for number := range test.count {
				key := configMap(fmt.Sprintf(test.name, number))
				if namespace, name, found := strings.Cut(key.Name, "/"); found {
					key.Namespace, key.Name = namespace, name
				}
				changes.Add(release.ChangeCreated, key)
			}
			change := changes[0]
			if named := change.Count - change.Unnamed(); change.Count != test.count || named < test.least || named > test.most {
				t.Errorf("%d of %d are named", named, change.Count)
			}
			text, err := json.Marshal(changes)
			if err != nil || len(text) > 49<<10 {
				t.Errorf("%v; they take %d bytes", err, len(text))
			}
		})
	}
}

func oneResultLeavesTheOthersTheirRoom(t *testing.T) {
	t.Parallel()
	var changes release.Changes
	for number := range 5000 {
		changes.Add(release.ChangeConfigured, configMap(fmt.Sprintf("item-%d", number)))
	}
	changes.Add(release.ChangePruned, configMap("old"))
	if last := changes[1]; last.Unnamed() != 0 || last.Objects[0].Names[0] != "old" {
		t.Errorf("%+v", last)
	}
}

func copyOfChangesSharesNothing(t *testing.T) {
	t.Parallel()
	r := release.New("shop", "web", 1)
	for _, name := range []string{"b", "c", "d"} {
		r.Status.Changes.Add(release.ChangeCreated, configMap(name))
	}
	r.Status.Changes.Add(release.ChangeNone, configMap("same"))
	before, err := json.Marshal(r.Status.Changes)
	if err != nil {
		t.Fatal(err)
	}
	clone, again := r.Clone(), r.Status.Changes.Attempted()
	for _, copied := range []*release.Changes{&clone.Status.Changes, &again} {
		copied.Add(release.ChangeCreated, configMap("a"))
		copied.Add(release.ChangeDeleted, configMap("e"))
		copied.Add(release.ChangeCreated, configMap("e"))
	}
	if len(clone.Status.Changes) != 3 || len(again) != 2 {
		t.Errorf("the copies are %+v and %+v", clone.Status.Changes, again)
	}
	after, err := json.Marshal(r.Status.Changes)
	if err != nil || string(before) != string(after) {
		t.Errorf("%v; it is %s, and was %s", err, after, before)
	}
}

// A record that a newer version has written may be continued by this one.
func resultOfANewerVersionIsKept(t *testing.T) {
	t.Parallel()
	changes := release.Changes{{Result: "moved", Count: 2}}
	changes.Add(release.ChangeCreated, configMap("a"))
	changes.Add(release.ChangeNone, configMap("b"))
	if len(changes) != 3 || changes[2].Result != "moved" || changes[2].Unnamed() != 2 {
		t.Errorf("%+v", changes)
	}
}
