package pack

import "path"

// Scope is a pack of a tree that is rendered together, with the values that its templates see.
type Scope struct {
	// Pack is nil for a chart, and for a pack that is disabled: nobody looks into these.
	Pack *Pack
	// Names are what the packs above call it, from the top down: aliases or names. The top pack has none.
	Names  []string
	Values map[string]any
}

// Alone is the tree of a pack without dependencies.
func Alone(p *Pack, values map[string]any) []Scope { return []Scope{{Pack: p, Values: values}} }

// Folder is where the files of the pack lie in the top pack, as in packs/db; "" for that itself.
func (s Scope) Folder() string { return FolderOf(s.Names) }

// FolderOf is where the files of a pack lie in the top pack, whose names lead to it.
func FolderOf(names []string) string {
	folder := ""
	for _, name := range names {
		folder = path.Join(folder, PacksFolder, name)
	}
	return folder
}
