package plan

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// CompleteInventory adds to the inventory of a release whose own cannot be read whole what else is known: the entries of
// earlier inventories, the newest first, and then the objects of its manifest. What is known of an object already stays as
// it is. Objects of kinds that request.Scopes does not have are skipped.
func CompleteInventory(request Request, earlier ...[]release.Entry) error {
	content, err := read(request.Nodes)
	if err != nil {
		return err
	}
	// What is wrong with its objects does not matter here: those of kinds that the server does not have are skipped.
	_ = content.prepare(request)
	named := slices.DeleteFunc(inventory(content, Request{Release: request.Release}), func(entry release.Entry) bool {
		_, known := request.Scopes[entry.GroupKind()]
		return !known || entry.Check() != nil
	})
	r := request.Release
	index := release.Index(r.Inventory)
	for _, entries := range append(earlier, named) {
		for _, entry := range entries {
			if _, known := index[entry.Key()]; !known {
				index[entry.Key()] = len(r.Inventory)
				r.Inventory = append(r.Inventory, entry)
			}
		}
	}
	return nil
}

// MarkSelector selects what carries the label of a release, which is not all that IsMarked asks for.
func MarkSelector(r *release.Release) string { return OwnerOf(r).Selector() }

// IsMarked reports whether an object carries the marks of a release.
func IsMarked(object metav1.Object, r *release.Release) bool { return OwnerOf(r).Owns(object) }
