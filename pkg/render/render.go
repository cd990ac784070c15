// Package render turns a pack and its values into the text of a release's manifest and its notes. It touches no
// cluster: what templates may know of one is handed in.
package render

import (
	"bytes"
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// Release is what templates know of the release they are rendered for.
type Release struct {
	Name, Namespace string
	// Revision counts from 1.
	Revision             int
	IsInstall, IsUpgrade bool
}

// Capabilities are what templates know of the cluster.
type Capabilities struct {
	KubeVersion KubeVersion
	// APIVersions are served versions and kinds, as apps/v1 and apps/v1/Deployment.
	APIVersions []string
}

// KubeVersion is the version of the API server, as v1.36.3, 1 and 36.
type KubeVersion struct {
	Version, Major, Minor string
}

// Engine renders packs. The zero value renders as for a cluster of unknown version that serves nothing.
type Engine struct {
	Capabilities Capabilities
	// Lookup returns an object of the cluster, or, where name is empty, a list of them; both empty without error where
	// there is none. A nil Lookup finds nothing.
	Lookup func(apiVersion, kind, namespace, name string) (map[string]any, error)
	// Now is the clock by which a rendering that takes too long is ended; nil is the system's.
	Now func() time.Time
}

// Output is a rendered pack.
type Output struct {
	// Files are the manifests, sorted by path. Those that came out empty are skipped.
	Files []File
	// Notes is the text for the user, "" where the pack has none. Those of packs that it depends on are not rendered.
	Notes string
}

// File is the text that one template made.
type File struct {
	// Path is the template's, as in templates/service.yaml or packs/db/templates/service.yaml.
	Path string
	Text []byte
	// Lines[i] is the line of the template that line i+1 of Text comes from.
	Lines []int
}

// Line returns the line of the template that a line of the text comes from; both count from 1. A line that is not
// known is returned as it is.
func (f File) Line(rendered int) int {
	if rendered < 1 || rendered > len(f.Lines) || f.Lines[rendered-1] < 1 {
		return rendered
	}
	return f.Lines[rendered-1]
}

// Render renders all templates of a pack, which comes first, and of those that it depends on, with complete values, which are not
// changed. All of them share their definitions. Rendering the same again gives the same bytes, save for functions that are random
// or ask the clock. The error joins an *Error for each template that cannot be parsed, or else for each that cannot be executed, in
// the order of their paths.
func (e Engine) Render(tree []pack.Scope, r Release) (*Output, error) {
	run := newRun(e, tree, r)
	templates := run.templatesOf(tree)
	if err := run.parseAll(templates); err != nil {
		return nil, err
	}
	output := &Output{}
	var problems problems
	for _, template := range templates {
		if err := run.file(template, output); err != nil {
			problems.add(err)
		}
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	slices.SortFunc(output.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return output, nil
}

// file executes one template and adds what came out, if it is a manifest or the notes.
func (r *run) file(template pack.File, output *Output) error {
	isNotes := template.Path == pack.NotesFile
	if onlyDefines(template.Path) && !isNotes {
		return nil
	}
	rendered, err := r.execute(template)
	switch {
	case err != nil:
		return err
	case len(bytes.TrimSpace(rendered.Text)) == 0:
	case isNotes:
		output.Notes = string(rendered.Text)
	default:
		output.Files = append(output.Files, rendered)
	}
	return nil
}

// onlyDefines tells templates that make no manifest by themselves. A text beside the notes can be included.
func onlyDefines(name string) bool {
	return strings.HasPrefix(path.Base(name), "_") || path.Ext(name) == ".txt"
}

// inHelmsOrder sorts templates as Helm does: deep ones first, then backwards by name. It decides which of two
// definitions of a name counts (the last), and who sees the values that a template has changed.
func inHelmsOrder(templates []pack.File) []pack.File {
	sorted := slices.Clone(templates)
	slices.SortStableFunc(sorted, func(a, b pack.File) int {
		return cmp.Or(
			cmp.Compare(strings.Count(b.Path, "/"), strings.Count(a.Path, "/")),
			cmp.Compare(b.Path, a.Path),
		)
	})
	return sorted
}

// problems gathers errors of templates. A definition that fails in every file that includes it is told once.
type problems []*Error

func (p *problems) add(err error) {
	var found *Error
	if !errors.As(err, &found) {
		found = &Error{Message: err.Error(), Err: err}
	}
	same := func(other *Error) bool {
		return other.File == found.File && other.Line == found.Line && other.Message == found.Message
	}
	if !slices.ContainsFunc(*p, same) {
		*p = append(*p, found)
	}
}

func (p problems) err() error {
	slices.SortStableFunc(p, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	joined := make([]error, len(p))
	for i, problem := range p {
		joined[i] = problem
	}
	return errors.Join(joined...)
}
