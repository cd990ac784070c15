package release

import "cmp"

// Damage says which parts of a stored revision cannot be read, and why. Its zero value is a record that is whole.
type Damage struct {
	// Head is what lists show. What of it can be read is in the release, its phase included.
	Head error
	// Status is the status, with the records of hooks. The release has what lists show of it.
	Status error
	// Content is the rendered content, hooks included, which is empty then.
	Content error
	// Inventory is the inventory, which then holds the entries that can be read.
	Inventory error
}

// Err returns the damage that matters most; nil where there is none.
func (d Damage) Err() error { return cmp.Or(d.All()...) }

// All returns all damage, what matters most first. It has nil for what is whole.
func (d Damage) All() []error { return []error{d.Content, d.Inventory, d.Status, d.Head} }
