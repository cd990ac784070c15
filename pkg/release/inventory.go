package release

import (
	"cmp"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// Role says what an object is to the release.
type Role string

// The roles of an object.
const (
	Regular Role = "regular"
	HookRun Role = "hook"
)

// Origin says how an object came to belong to the release.
type Origin string

// The origins of an object.
const (
	// Created: the release made it, so the release may remove it.
	Created Origin = "created"
	// Adopted: it was there before and was taken over.
	Adopted Origin = "adopted"
)

// Entry is one object that the release may own. It is written before the object is, so UID may be empty and the object
// may not exist.
type Entry struct {
	Group     string    `json:"group,omitempty"`
	Version   string    `json:"version"`
	Kind      string    `json:"kind"`
	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid,omitempty"`
	Role      Role      `json:"role"`
	// Phases are those of a hook; nil for a regular object.
	Phases []string `json:"phases,omitempty"`
	// Origin is empty as long as the object was not applied.
	Origin Origin `json:"origin,omitempty"`
	// Provisional says that no operation has succeeded since the object was adopted: it is given back, not deleted.
	Provisional bool `json:"provisional,omitempty"`
	// Returning says that an undo has begun to give it back, which the next command completes.
	Returning bool `json:"returning,omitempty"`
	// Keep says that the object outlives the release.
	Keep bool `json:"keep,omitempty"`
	// Hash is that of the object as it was last applied; empty where it was not.
	Hash string `json:"hash,omitempty"`
	// Generation is the one the API server answered with; 0 for kinds that have none, which have ResourceVersion instead.
	Generation      int64  `json:"generation,omitempty"`
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// AppliedAs is the role in which it was last applied; empty where that is Role.
	AppliedAs Role `json:"appliedAs,omitempty"`
	// Done says that the hook which the object was made for has come to a good end, although the object may go on: its
	// conditions held.
	Done bool `json:"done,omitempty"`
	// Recreate says that it said, when it was last applied, that it may be deleted and recreated.
	Recreate bool `json:"recreate,omitempty"`
	// Metadata is what it carried when it was last applied; nil where that is not known.
	Metadata *Metadata `json:"metadata,omitempty"`
}

// Metadata says which labels and annotations an object carried when it was last applied.
type Metadata struct {
	// Hash is that of the labels and annotations which were applied, and of those below, with the values that they had then.
	Hash string `json:"hash"`
	// Labels and Annotations are the keys of those that the API server has added, as webhooks tell it to.
	Labels      []string `json:"labels,omitempty"`
	Annotations []string `json:"annotations,omitempty"`
	// Helm is the release of Helm that the annotations named, as namespace/name; empty where they named none.
	Helm string `json:"helm,omitempty"`
}

// ForgetState forgets in what state the object was last applied, because it is another one now, or none.
func (e *Entry) ForgetState() {
	e.Hash, e.Generation, e.ResourceVersion, e.Metadata, e.Recreate, e.Done = "", 0, "", nil, false, false
}

// Check refuses an entry that names no object, or one that no request may be made for: its name or namespace would name
// something else in the path of a request.
func (e Entry) Check() error {
	if e.Kind == "" || e.Name == "" {
		return errNoObject
	}
	return kinds.CheckPath(e.Namespace, e.Name)
}

// errNoObject is one error for all entries, because an edited record may have millions of them.
var errNoObject = errors.New("names no object")

// Key identifies the object across API versions.
func (e Entry) Key() kinds.Key {
	return kinds.Key{Group: e.Group, Kind: e.Kind, Namespace: e.Namespace, Name: e.Name}
}

// GroupKind returns the kind of the object.
func (e Entry) GroupKind() schema.GroupKind { return schema.GroupKind{Group: e.Group, Kind: e.Kind} }

// Reference identifies the object on a cluster.
func (e Entry) Reference() corev1.ObjectReference {
	version := schema.GroupVersion{Group: e.Group, Version: e.Version}
	return corev1.ObjectReference{
		APIVersion: version.String(), Kind: e.Kind, Namespace: e.Namespace, Name: e.Name, UID: e.UID,
	}
}

// Resource is an inventory entry as the shown object has it, under status.resources.
type Resource struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Namespace  string    `json:"namespace,omitempty"`
	Name       string    `json:"name"`
	UID        types.UID `json:"uid,omitempty"`
	Role       Role      `json:"role"`
	Origin     Origin    `json:"origin,omitempty"`
	Keep       bool      `json:"keep,omitempty"`
}

// Resource returns the shown form of the entry.
func (e Entry) Resource() Resource {
	ref := e.Reference()
	return Resource{
		APIVersion: ref.APIVersion, Kind: e.Kind, Namespace: e.Namespace, Name: e.Name, UID: e.UID,
		Role: e.Role, Origin: e.Origin, Keep: e.Keep,
	}
}

// MadeAs returns the role in which the object was last applied.
func (e Entry) MadeAs() Role { return cmp.Or(e.AppliedAs, e.Role) }

// BecomesHook reports whether the object is a regular resource which is a hook of the manifest by now.
func (e Entry) BecomesHook() bool { return e.Role == Regular && len(e.Phases) > 0 }

// Index says where in an inventory each object stands.
func Index(inventory []Entry) map[kinds.Key]int {
	index := make(map[kinds.Key]int, len(inventory))
	for i, entry := range inventory {
		index[entry.Key()] = i
	}
	return index
}

// Provisional returns the entries of an inventory that are to be given back.
func Provisional(inventory []Entry) []Entry {
	return slices.DeleteFunc(slices.Clone(inventory), func(entry Entry) bool { return !entry.Provisional })
}
