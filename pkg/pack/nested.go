package pack

import (
	"bytes"
	"path"
	"strings"
)

// Nested is a pack or chart that lies in a folder of another: PacksFolder or ChartsFolder.
type Nested struct {
	// Path is that of its folder or archive in the pack, such as packs/db or packs/db-1.0.0.tgz.
	Path  string
	Files []File
}

// IsArchive reports whether it lies there as an archive.
func (n Nested) IsArchive() bool { return path.Ext(n.Path) == archiveExtension }

const archiveExtension = ".tgz"

// Nested returns what lies in a folder of the pack, by its path. Files that begin with a dot or an underscore are skipped, as Helm
// skips them. The errors are those of Open.
func (p *Pack) Nested(folder string) ([]Nested, error) {
	var found []Nested
	var problems problems
	for _, file := range p.All {
		inside, ok := strings.CutPrefix(file.Path, folder+"/")
		if !ok || strings.ContainsAny(inside[:1], "._") {
			continue
		}
		name, below, isFolder := strings.Cut(inside, "/")
		at := path.Join(folder, name)
		switch {
		case isFolder:
			if len(found) == 0 || found[len(found)-1].Path != at {
				found = append(found, Nested{Path: at})
			}
			last := &found[len(found)-1]
			last.Files = append(last.Files, File{Path: below, Data: file.Data})
		case path.Ext(name) == archiveExtension:
			files, err := newBudget().archive(bytes.NewReader(file.Data))
			if err != nil {
				return nil, NewFileError("read pack archive", p.where(file.Path), err)
			}
			byPath(files)
			found = append(found, Nested{Path: at, Files: files})
		default:
			problems.add(Problem{File: p.where(file.Path), Message: "neither a folder nor a .tgz archive of a pack or chart"})
		}
	}
	return found, problems.err()
}

// CanNest reports whether a pack or chart may lie this deep in others; 0 is the top.
func CanNest(depth int) bool { return depth <= maxNesting }
