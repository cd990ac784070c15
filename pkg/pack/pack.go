// Package pack reads a pack: a folder or archive of templates with metadata and default values. It also gathers
// the values a user gives and merges them with the pack's own.
package pack

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind says what a pack is for.
type Kind string

// The kinds of packs. A library only defines templates for others; it cannot be installed.
const (
	Application Kind = "application"
	Library     Kind = "library"
)

// The files of a pack that have a meaning of their own.
const (
	MetadataFile = "Pack.yaml"
	ValuesFile   = "values.yaml"
	NotesFile    = "templates/NOTES.txt"
	ReadmeFile   = "README.md"
	// ChartFile is what a Helm chart has instead of MetadataFile.
	ChartFile = "Chart.yaml"
)

// Engine says how the templates of a pack are rendered.
type Engine struct {
	// Strict makes it an error to print an undefined value. It is true unless Pack.yaml says otherwise.
	Strict bool `json:"strict" yaml:"strict"`
}

// Spec is what Pack.yaml says besides the metadata.
type Spec struct {
	Kind         Kind         `yaml:"kind"`
	Engine       Engine       `yaml:"engine"`
	Dependencies []Dependency `yaml:"dependencies"`
}

// File is one file of a pack.
type File struct {
	// Path is relative to the pack's folder, with slashes on every system.
	Path string
	Data []byte
}

// Pack is a pack as it was read. It is complete in memory: nothing is read from disk after Open. All lists of files
// are sorted by path and share their data, which must not be changed.
type Pack struct {
	// Path is the folder or archive as the user named it.
	Path     string
	Metadata Metadata
	Spec
	// Values are the defaults of values.yaml, never nil; whole numbers are int64, others float64.
	Values map[string]any
	// Schema is nil where the pack has none.
	Schema *Schema
	// All are the files of the pack as they were read, those below included.
	All []File
	// Templates are the files below templates/ that are rendered or define something.
	Templates []File
	// CRDs are the YAML and JSON files below crds/.
	CRDs []File
	// Files are all others save Pack.yaml, Pack.lock, values.yaml, the schema, and what is below packs/; see Nested.
	Files []File
}

// Open reads the pack in a folder or a .tgz archive. The error is a *FileError where the folder or archive cannot
// be read or trusted, and an *InvalidError with all problems found where its contents are wrong.
func Open(name string) (*Pack, error) {
	files, err := Read(name)
	if err != nil {
		return nil, err
	}
	return New(name, files)
}

// supported ends the message about what cannot be read as a pack.
const supported = "a pack is a folder, or a .tgz archive of one"

// Read reads the files of a pack or a Helm chart in a folder or a .tgz archive, sorted by path. Of a folder it leaves out what
// its ignore file excludes: IgnoreFile, or that of a chart. The archives of subcharts, and those in PacksFolder, can be unpacked
// then. The error is a *FileError.
func Read(name string) ([]File, error) {
	files, err := load(name)
	if err != nil {
		return nil, err
	}
	byPath(files)
	if err := newBudget().nested(files, 0); err != nil {
		operation := "read pack"
		if IsChart(files) {
			operation = "read chart"
		}
		return nil, NewFileError(operation, name, err)
	}
	return files, nil
}

func byPath(files []File) {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// IsChart reports whether files are those of a Helm chart and not of a pack.
func IsChart(files []File) bool {
	has := func(name string) bool {
		return slices.ContainsFunc(files, func(f File) bool { return f.Path == name })
	}
	return has(ChartFile) && !has(MetadataFile)
}

func load(name string) ([]File, error) {
	if scheme, _, isAddress := strings.Cut(name, "://"); isAddress {
		return nil, &FileError{Path: name, Message: scheme + ":// addresses are not supported: " + supported + "; download it first"}
	}
	found, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; %s", cause(err), supported)
	}
	if err != nil {
		return nil, NewFileError("read pack", name, err)
	}
	if found.IsDir() {
		return loadFolder(name)
	}
	return loadArchive(name)
}

// New makes a pack of files, less those that it ignores, and keeps the slice; name is only told in errors,
// which are those of Open.
func New(name string, files []File) (*Pack, error) {
	byPath(files)
	p := &Pack{Path: name, All: files, Spec: Spec{Engine: Engine{Strict: true}}, Values: map[string]any{}}
	rules, err := p.ignore()
	if err != nil {
		return nil, NewFileError("read pack", name, err)
	}
	p.All = slices.DeleteFunc(files, func(file File) bool { return rules.excludes(file.Path) })
	if err := p.checkKind(); err != nil {
		return nil, err
	}
	p.sort()
	if err := p.checkNames(); err != nil {
		return nil, err
	}
	var problems problems
	problems.add(p.checkCharts()...)
	problems.add(p.readMetadata()...)
	problems.add(p.readValues()...)
	problems.add(p.readSchema()...)
	if err := problems.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Excludes reports whether the pack ignores a file of its folder, by its path in that.
func (p *Pack) Excludes(name string) bool {
	// They were read before.
	rules, _ := p.ignore()
	return rules.excludes(name)
}

func (p *Pack) ignore() (ignore, error) {
	data, _ := p.Text(IgnoreFile)
	return parseIgnore(data)
}

// checkKind refuses what has no Pack.yaml.
func (p *Pack) checkKind() error {
	_, isPack := p.Text(MetadataFile)
	switch {
	case isPack:
		return nil
	case p.Excludes(MetadataFile):
		return &FileError{Path: p.Path, Message: IgnoreFile + " excludes Pack.yaml, which every pack must have"}
	}
	return &FileError{Path: p.Path, Message: "no Pack.yaml: a pack needs one, with apiVersion, kind and metadata.name and .version; " +
		"a Helm chart has Chart.yaml instead"}
}

// checkCharts refuses charts that Helm would render together with their parent, and that would be missing without a word.
func (p *Pack) checkCharts() []Problem {
	const folder = ChartsFolder
	for _, file := range p.All {
		if strings.HasPrefix(file.Path, folder+"/") && !hidden(file.Path) {
			return []Problem{{File: p.where(folder), Message: "has " + short(strings.TrimPrefix(file.Path, folder+"/")) +
				": Helm renders the charts in this folder with their parent, sherpack those in " + PacksFolder + "/; move them there, or exclude " +
				"the folder with a line " + folder + "/ in " + IgnoreFile}}
		}
	}
	return nil
}

// checkNames refuses templates and definitions whose name has a line break, or anything else that cannot be printed: it stands
// in a comment of the manifest, which would not be read again as it was written.
func (p *Pack) checkNames() error {
	for _, file := range slices.Concat(p.Templates, p.CRDs) {
		unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
		if !utf8.ValidString(file.Path) || strings.ContainsFunc(file.Path, unprintable) {
			return &FileError{Path: p.Path, Message: fmt.Sprintf("the name of a file has characters that cannot be printed: %q", short(file.Path))}
		}
	}
	return nil
}

func (p *Pack) sort() {
	for _, file := range p.All {
		switch {
		case file.Path == MetadataFile, file.Path == LockFile, file.Path == ValuesFile, isSchema(file.Path):
		case strings.HasPrefix(file.Path, PacksFolder+"/"):
		case hidden(file.Path) && strings.HasPrefix(file.Path, "templates/"):
		case isTemplate(file.Path):
			p.Templates = append(p.Templates, File{Path: file.Path, Data: text(file.Data)})
		case isManifest(file.Path, "crds/"):
			p.CRDs = append(p.CRDs, File{Path: file.Path, Data: text(file.Data)})
		default:
			p.Files = append(p.Files, file)
		}
	}
}

func isTemplate(name string) bool {
	if isManifest(name, "templates/") {
		return true
	}
	extension := path.Ext(name)
	return strings.HasPrefix(name, "templates/") && (extension == ".tpl" || extension == ".txt")
}

func isManifest(name, folder string) bool {
	if !strings.HasPrefix(name, folder) || hidden(name) {
		return false
	}
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
}

// hidden tells the leftovers of editors and desktops, which are no templates.
func hidden(name string) bool {
	return strings.HasPrefix(path.Base(name), ".")
}

// Text returns the text of a file of the pack, by its path.
func (p *Pack) Text(name string) ([]byte, bool) {
	data, ok := p.Raw(name)
	return text(data), ok
}

// Raw returns a file of the pack as it was read, by its path.
func (p *Pack) Raw(name string) ([]byte, bool) {
	at, ok := slices.BinarySearchFunc(p.All, name, func(f File, name string) int { return strings.Compare(f.Path, name) })
	if !ok {
		return nil, false
	}
	return p.All[at].Data, true
}

// where names a file of the pack as the user would: the pack as it was typed and the path inside.
func (p *Pack) where(name string) string { return PathIn(p.Path, name) }

// PathIn names a file or folder in what was opened as the user would, by its path inside; "" is what was opened.
func PathIn(opened, name string) string {
	return strings.TrimSuffix(strings.TrimRight(opened, "/")+"/"+name, "/")
}

// text drops the byte order mark that some editors write.
func text(data []byte) []byte {
	return bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
}
