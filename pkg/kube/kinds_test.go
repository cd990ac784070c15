package kube

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata/fake"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
)

// served is the discovery of a server with some kinds; it counts how often it
// was asked anew, and may learn of more kinds then, or of versions that it does
// not serve any more.
type served struct {
	discovery.CachedDiscoveryInterface
	lists   map[string][]string
	later   map[string][]string
	down    map[string]error
	stale   bool
	resets  int
	reached int
}

func (s *served) Fresh() bool { return !s.stale }

func (s *served) Invalidate() {
	s.resets++
	s.stale = false
	for groupVersion, kinds := range s.later {
		if s.lists[groupVersion] = kinds; kinds == nil {
			delete(s.lists, groupVersion)
		}
	}
}

func (s *served) ServerVersion() (*version.Info, error) {
	return &version.Info{GitVersion: "v1.36.0", Major: "1", Minor: "36"}, nil
}

func (s *served) ServerGroupsAndResources() ([]*metav1.APIGroup, []*metav1.APIResourceList, error) {
	var groups []*metav1.APIGroup
	var lists []*metav1.APIResourceList
	failed := map[schema.GroupVersion]error{}
	for groupVersion, err := range s.down {
		parsed, _ := schema.ParseGroupVersion(groupVersion)
		failed[parsed] = err
	}
	for groupVersion := range s.lists {
		parsed, _ := schema.ParseGroupVersion(groupVersion)
		at := metav1.GroupVersionForDiscovery{GroupVersion: groupVersion, Version: parsed.Version}
		groups = append(groups, &metav1.APIGroup{Name: parsed.Group, Versions: []metav1.GroupVersionForDiscovery{at}, PreferredVersion: at})
		list, _ := s.ServerResourcesForGroupVersion(groupVersion)
		lists = append(lists, list)
	}
	if len(failed) > 0 {
		return groups, lists, &discovery.ErrGroupDiscoveryFailed{Groups: failed}
	}
	return groups, lists, nil
}

func (s *served) ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error) {
	s.reached++
	if err := s.down[groupVersion]; err != nil {
		return nil, err
	}
	if s.lists[groupVersion] == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, groupVersion)
	}
	list := &metav1.APIResourceList{GroupVersion: groupVersion}
	for _, kind := range s.lists[groupVersion] {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: kind + "s", SingularName: kind, Kind: kind, Namespaced: true})
	}
	return list, nil
}

func TestKinds(t *testing.T) {
	t.Parallel()
	t.Run("a kind that is not known is looked for once more", aKindThatIsNotKnownIsLookedForOnceMore)
	t.Run("a kind that is not served is discovered once", aKindThatIsNotServedIsDiscoveredOnce)
	t.Run("objects of a kind that comes later are found", objectsOfAKindThatComesLaterAreFound)
	t.Run("a promised kind is looked for until it comes", aPromisedKindIsLookedForUntilItComes)
	t.Run("the kind of a definition that was waited for is promised", kindOfAwaitedDefinitionIsPromised)
	t.Run("a path that is not served tells nothing of objects", unservedPathTellsNothing)
	t.Run("kinds that are missed together are discovered once", kindsThatAreMissedTogetherAreDiscoveredOnce)
}

func aKindThatIsNotKnownIsLookedForOnceMore(t *testing.T) {
	t.Parallel()
	down := errors.New("the server is currently unable to handle the request")
	for name, test := range map[string]struct {
		server  served
		kind    schema.GroupVersionKind
		found   bool
		unknown bool
		resets  int
	}{
		"a known kind":                        {kind: schema.GroupVersionKind{Group: "a", Version: "v1", Kind: "One"}, found: true},
		"a kind that came meanwhile":          {kind: schema.GroupVersionKind{Group: "b", Version: "v1", Kind: "Two"}, found: true, resets: 1},
		"a kind that came, and a stale cache": {server: served{stale: true}, kind: schema.GroupVersionKind{Group: "b", Version: "v1", Kind: "Two"}, found: true, resets: 1},
		"a kind that is not served":           {kind: schema.GroupVersionKind{Group: "a", Version: "v1", Kind: "Nothing"}, unknown: true, resets: 1},
		"a group that is not served":          {kind: schema.GroupVersionKind{Group: "x", Version: "v1", Kind: "One"}, unknown: true, resets: 1},
		"a kind whose group is down is not unknown": {
			server: served{down: map[string]error{"c/v1": down}}, kind: schema.GroupVersionKind{Group: "c", Version: "v1", Kind: "Three"}, resets: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := test.server
			server.lists = map[string][]string{"a/v1": {"One"}}
			server.later = map[string][]string{"b/v1": {"Two"}}
			cluster := newCluster(&connection{kinds: newKinds(&server)})
			namespaced, err := cluster.Namespaced(test.kind)
			if namespaced != test.found || meta.IsNoMatchError(err) != test.unknown || (err == nil) != test.found || server.resets != test.resets {
				t.Errorf("found %v, %v, after %d resets", namespaced, err, server.resets)
			}
			if server.down != nil && !errors.Is(err, down) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func aKindThatIsNotServedIsDiscoveredOnce(t *testing.T) {
	t.Parallel()
	server := &served{lists: map[string][]string{"a/v1": {"One"}}, later: map[string][]string{}}
	cluster := newCluster(&connection{kinds: newKinds(server)})
	unknown := schema.GroupVersionKind{Group: "x", Version: "v1", Kind: "Two"}
	for range 50 {
		if _, err := cluster.Namespaced(unknown); !meta.IsNoMatchError(err) {
			t.Fatalf("the error is %v", err)
		}
		if _, err := cluster.api.kinds.Stored(unknown); !meta.IsNoMatchError(err) {
			t.Fatalf("the error is %v", err)
		}
	}
	if server.resets != 1 {
		t.Errorf("50 looks cost %d discoveries", server.resets)
	}
	server.later["x/v1"] = []string{"Two"}
	cluster.LookAgain()
	if _, err := cluster.Namespaced(unknown); err != nil || server.resets != 2 {
		t.Errorf("when it was to be looked for again: %v, %d discoveries", err, server.resets)
	}
}

// That a kind was not served some time ago does not tell that its objects are not there.
func objectsOfAKindThatComesLaterAreFound(t *testing.T) {
	t.Parallel()
	server := &served{lists: map[string][]string{"a/v1": {"One"}}, later: map[string][]string{}}
	known := runtime.NewScheme()
	if err := metav1.AddMetaToScheme(known); err != nil {
		t.Fatal(err)
	}
	object := &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "x/v1", Kind: "Two"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "a", UID: "1"},
	}
	client := fake.NewSimpleMetadataClient(known)
	if err := client.Tracker().Create(schema.GroupVersionResource{Group: "x", Version: "v1", Resource: "Twos"}, object, "ns"); err != nil {
		t.Fatal(err)
	}
	cluster := newCluster(&connection{kinds: newKinds(server), metadata: client})
	refs := []corev1.ObjectReference{{APIVersion: "x/v1", Kind: "Two", Namespace: "ns", Name: "a"}}
	if found, err := cluster.Find(t.Context(), refs); err != nil || found[0] != nil {
		t.Fatalf("before: %v, %v", found, err)
	}
	server.later["x/v1"] = []string{"Two"}
	if found, err := cluster.Find(t.Context(), refs); err != nil || found[0] == nil || server.resets != 2 {
		t.Errorf("later: %v, %v, %d discoveries", found, err, server.resets)
	}
}

func aPromisedKindIsLookedForUntilItComes(t *testing.T) {
	t.Parallel()
	server := &served{lists: map[string][]string{"a/v1": {"One"}}, later: map[string][]string{}}
	known := newKinds(server)
	promised := schema.GroupVersionKind{Group: "x", Version: "v1", Kind: "Two"}
	if _, err := known.Mapping(promised); !meta.IsNoMatchError(err) {
		t.Fatalf("before: %v", err)
	}
	definition := decodeObject(t, "{kind: CustomResourceDefinition, spec: {group: x, names: {kind: Two}}}")
	known.Promise(definition)
	if _, err := known.Mapping(promised); !meta.IsNoMatchError(err) {
		t.Fatalf("at once: %v", err)
	}
	server.later["x/v1"] = []string{"Two"}
	if _, err := known.Mapping(promised); err != nil {
		t.Errorf("later: %v", err)
	}
}

// Who waits for a definition goes on with objects of its kind, whoever has applied it.
func kindOfAwaitedDefinitionIsPromised(t *testing.T) {
	t.Parallel()
	known := newKinds(&served{})
	w := &waiter{api: &feeds{connection: &connection{kinds: known}}}
	definition := "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {group: x, names: {kind: Two}}, status: {conditions: [{type: Established, status: %q}]}}"
	for _, established := range []string{"False", "True"} {
		w.stateOf(t.Context(), WaitTarget{}, feed.Change{Object: decodeObject(t, fmt.Sprintf(definition, established))})
		if promised := known.isPromised(schema.GroupKind{Group: "x", Kind: "Two"}); promised != (established == "True") {
			t.Errorf("established %s: promised %v", established, promised)
		}
	}
}

// A busy server lists a version for seconds that it does not serve any more: that says nothing about the objects.
func unservedPathTellsNothing(t *testing.T) {
	t.Parallel()
	unserved := apierrors.NewGenericServerResponse(http.StatusNotFound, "GET", schema.GroupResource{}, "", "404 page not found", 0, true)
	gone := schema.GroupVersionKind{Group: "a", Version: "v1", Kind: "One"}
	for name, test := range map[string]struct {
		later  map[string][]string
		after  time.Duration
		failed bool
	}{
		"it is announced in time": {map[string][]string{"a/v1": nil, "a/v2": {"One"}}, 8 * time.Second, false},
		"it is never announced":   {nil, 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := &served{lists: map[string][]string{"a/v1": {"One"}}}
			known, started := newKinds(server), time.Now()
			err := known.AtStored(t.Context(), gone, func(mapping *meta.RESTMapping) error {
				if time.Since(started) >= test.after {
					server.later = test.later
				}
				if mapping.GroupVersionKind.Version == "v2" {
					return nil
				}
				return unserved
			})
			if (err != nil) != test.failed || apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
				t.Errorf("%s: the error is %v", name, err)
			}
		})
	}
}

func kindsThatAreMissedTogetherAreDiscoveredOnce(t *testing.T) {
	t.Parallel()
	server := &served{lists: map[string][]string{"a/v1": {"One"}}}
	known := newKinds(server)
	seen := known.resetCount()
	for range 5 {
		known.resetSince(seen)
	}
	if server.resets != 1 {
		t.Errorf("%d resets", server.resets)
	}
}

func decodeObject(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict([]byte(strings.Join(strings.Fields(text), " ")), &object.Object); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return object
}
