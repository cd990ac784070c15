package release

import (
	"cmp"
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// ChangeResult says what an operation did to an object. The words are those of events, save that what leaves the release is
// told apart from what goes with it.
type ChangeResult string

// What an operation does to objects.
const (
	ChangeCreated    ChangeResult = "created"
	ChangeConfigured ChangeResult = "configured"
	// ChangeRecreated is of an object that could not be changed in place.
	ChangeRecreated ChangeResult = "recreated"
	ChangeAdopted   ChangeResult = "adopted"
	// ChangePruned is of an object that the revision has no more, and ChangeDeleted of one that goes with the whole release, or
	// was to be recreated and was not.
	ChangePruned     ChangeResult = "pruned"
	ChangeDeleted    ChangeResult = "deleted"
	ChangeGivenBack  ChangeResult = "given back"
	ChangeHandedOver ChangeResult = "handed over"
	// ChangeNone is of an object that was as it should be.
	ChangeNone ChangeResult = "unchanged"
)

// rank is the place of a result in Changes. Those that this program does not know come last.
func (r ChangeResult) rank() int {
	ranks := []ChangeResult{
		ChangeCreated, ChangeConfigured, ChangeRecreated, ChangeAdopted, ChangePruned, ChangeDeleted, ChangeGivenBack, ChangeHandedOver, ChangeNone,
	}
	if rank := slices.Index(ranks, r); rank >= 0 {
		return rank
	}
	return len(ranks)
}

// Changes say what an operation did to the objects of a release, over all its attempts; hooks have records of their own. There
// is one for each result, in the order of the constants.
type Changes []Change

// Change is the objects that an operation did the same to.
type Change struct {
	Result ChangeResult `json:"result"`
	// Count is how many they are. Objects names no more than fit into the record, and none that is unchanged.
	Count int `json:"count"`
	// Objects are ordered by kind, group and namespace.
	Objects []ObjectNames `json:"objects,omitempty"`
}

// ObjectNames names objects of one kind and namespace: together, because a record may have thousands of them.
type ObjectNames struct {
	Group string `json:"group,omitempty"`
	Kind  string `json:"kind"`
	// Namespace is empty for objects without one.
	Namespace string `json:"namespace,omitempty"`
	// Names are sorted.
	Names []string `json:"names"`
}

// maxNamed is how many bytes of names a record has of one result: about a thousand objects. All of it is written whenever a hook
// starts or ends, and must fit into a Secret several times.
const maxNamed = 48 << 10

// Add notes what was done to an object. What an operation has made is no change of it, nor is it unchanged when a later attempt
// finds it; and what it has deleted and then creates is recreated.
func (c *Changes) Add(result ChangeResult, key kinds.Key) {
	switch {
	case result == ChangeNone && c.names(key):
		return
	case result == ChangeNone:
		c.of(result).Count++
		return
	case result == ChangeConfigured && c.names(key, ChangeCreated, ChangeRecreated, ChangeAdopted):
		return
	case result == ChangeCreated && c.of(ChangeDeleted).remove(key):
		result = ChangeRecreated
	}
	c.of(result).add(key)
	*c = slices.DeleteFunc(*c, func(change Change) bool { return change.Count == 0 })
}

// names reports whether an object is named as one that something was done to: one of some results, or any where none are given.
func (c *Changes) names(key kinds.Key, results ...ChangeResult) bool {
	return slices.ContainsFunc(*c, func(change Change) bool {
		if len(results) > 0 && !slices.Contains(results, change.Result) {
			return false
		}
		_, _, found := change.find(key)
		return found
	})
}

// of returns the change of a result, which is added where there is none.
func (c *Changes) of(result ChangeResult) *Change {
	at, found := slices.BinarySearchFunc(*c, result, func(change Change, result ChangeResult) int {
		return cmp.Compare(change.Result.rank(), result.rank())
	})
	if !found {
		*c = slices.Insert(*c, at, Change{Result: result})
	}
	return &(*c)[at]
}

// Clone returns a copy that shares nothing.
func (c Changes) Clone() Changes {
	clone := slices.Clone(c)
	for i := range clone {
		clone[i].Objects = slices.Clone(clone[i].Objects)
		for j := range clone[i].Objects {
			clone[i].Objects[j].Names = slices.Clone(clone[i].Objects[j].Names)
		}
	}
	return clone
}

// Attempted returns a copy for another attempt, which finds anew what is unchanged.
func (c Changes) Attempted() Changes {
	return slices.DeleteFunc(c.Clone(), func(change Change) bool { return change.Result == ChangeNone })
}

// Unnamed is how many of the objects have no name on record.
func (c Change) Unnamed() int {
	named := 0
	for _, objects := range c.Objects {
		named += len(objects.Names)
	}
	return max(0, c.Count-named)
}

// find returns where an object is named, or would be: the place of its kind and namespace, and its place among their names.
func (c *Change) find(key kinds.Key) (at, among int, found bool) {
	at, found = slices.BinarySearchFunc(c.Objects, key, func(objects ObjectNames, key kinds.Key) int {
		return cmp.Or(cmp.Compare(objects.Kind, key.Kind), cmp.Compare(objects.Group, key.Group), cmp.Compare(objects.Namespace, key.Namespace))
	})
	if !found {
		return at, -1, false
	}
	among, found = slices.BinarySearch(c.Objects[at].Names, key.Name)
	return at, among, found
}

// add counts an object, and names it where there is room for that.
func (c *Change) add(key kinds.Key) {
	at, among, found := c.find(key)
	if found {
		return
	}
	c.Count++
	objects := ObjectNames{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Names: []string{key.Name}}
	switch isNew := among < 0; {
	case c.size()+objects.size() > maxNamed:
	case isNew:
		c.Objects = slices.Insert(c.Objects, at, objects)
	default:
		c.Objects[at].Names = slices.Insert(c.Objects[at].Names, among, key.Name)
	}
}

// remove takes an object off, and reports whether it was named.
func (c *Change) remove(key kinds.Key) bool {
	at, among, found := c.find(key)
	if !found {
		return false
	}
	c.Count--
	objects := &c.Objects[at]
	if objects.Names = slices.Delete(objects.Names, among, among+1); len(objects.Names) == 0 {
		c.Objects = slices.Delete(c.Objects, at, at+1)
	}
	return true
}

// size is about how many bytes the names take.
func (c *Change) size() int {
	size := 0
	for _, objects := range c.Objects {
		size += objects.size()
	}
	return size
}

func (o ObjectNames) size() int {
	const around, aroundName = len(`{"group":"","kind":"","namespace":"","names":[]},`), len(`"",`)
	size := around + len(o.Group) + len(o.Kind) + len(o.Namespace)
	for _, name := range o.Names {
		size += len(name) + aroundName
	}
	return size
}
