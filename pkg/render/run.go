package render

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// run is one rendering of one pack.
type run struct {
	strict bool
	// dot is what templates get as their dot.
	dot map[string]any
	// functions are those that templates may call, by all their names.
	functions template.FuncMap
	// bare has the functions and no templates; every template is made from it.
	bare *template.Template
	// templates are the named ones. While tpl runs they are a copy with what its text defines.
	templates map[string]*template.Template
	sources   map[string]*source
	sites     []site
	budget    budget
	// at is the line of the action that prints next.
	at int
	// name is the pack's, which the names of its templates begin with.
	name string
}

func newRun(e Engine, p *pack.Pack, values map[string]any, release Release) *run {
	now := e.Now
	if now == nil {
		now = time.Now
	}
	r := &run{
		strict:    p.Engine.Strict,
		templates: map[string]*template.Template{},
		sources:   map[string]*source{},
		budget:    newBudget(now),
		name:      p.Metadata.Name,
	}
	facts := newFacts(e, p, pack.Copy(values), release)
	r.dot = facts.helmSpelling()
	r.functions = r.allFunctions(facts, e.Lookup)
	r.bare = template.New("").Funcs(r.functions).Funcs(r.internal())
	return r
}

// fullName is the name that a file is included by: Helm's, so that .Template.BasePath leads to it.
func (r *run) fullName(file string) string { return path.Join(r.name, file) }

// parseAll makes all named templates of the files.
func (r *run) parseAll(files []pack.File) error {
	var problems problems
	for _, file := range inHelmsOrder(files) {
		source := newSource(file.Path, string(file.Data))
		r.sources[file.Path] = source
		trees, found := r.parse(source)
		for _, problem := range found {
			problems.add(problem)
		}
		r.define(r.templates, trees)
	}
	return problems.err()
}

// parse reads one text and rewrites what it defines. The tree of the text itself stands under the name of its file.
func (r *run) parse(source *source) (map[string]*parse.Tree, []*Error) {
	if strings.Count(source.text, "{{") > maxActions {
		return nil, []*Error{{File: source.file, Line: 1, Message: fmt.Sprintf("the template has more than %d actions", maxActions)}}
	}
	trees := map[string]*parse.Tree{}
	tree := parse.New(source.file)
	tree.Mode = parse.SkipFuncCheck
	if _, err := tree.Parse(source.text, "", "", trees); err != nil {
		return nil, []*Error{source.parseError(err)}
	}
	rewriter := rewriter{run: r, source: source}
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		if trees[name].Root != nil {
			rewriter.list(trees[name].Root)
		}
	}
	return trees, rewriter.problems
}

// define adds trees to named templates; a later definition replaces an earlier one unless it is empty.
func (r *run) define(into map[string]*template.Template, trees map[string]*parse.Tree) {
	for name, tree := range trees {
		if name == tree.ParseName {
			name = r.fullName(name)
		}
		if into[name] != nil && parse.IsEmptyTree(tree.Root) {
			continue
		}
		// The error would be about a name or tree that is none; these come from the parser.
		if made, err := r.bare.AddParseTree(name, tree); err == nil {
			into[name] = made
		}
	}
}

// execute renders one file.
func (r *run) execute(file pack.File) (rendered File, err error) {
	r.at = 1
	defer func() {
		// text/template hands on what it does not expect; no template may end the program.
		if unexpected := recover(); unexpected != nil {
			err = &Error{File: file.Path, Line: r.at, Message: fmt.Sprintf("the template engine broke down: %v", unexpected)}
		}
	}()
	tmpl := r.templates[r.fullName(file.Path)]
	r.dot["Template"] = map[string]any{"Name": r.fullName(file.Path), "BasePath": r.fullName("templates")}
	writer := &lineWriter{run: r, starts: textStarts(tmpl.Root, r.sources[file.Path])}
	if err := tmpl.Execute(writer, r.dot); err != nil {
		return File{}, r.inFile(file.Path, r.locate(err))
	}
	return File{Path: file.Path, Text: writer.text.Bytes(), Lines: writer.lines}, nil
}

// inFile gives an error that has no place yet the one it is known to have happened at.
func (r *run) inFile(file string, err error) error {
	var failed *failure
	if !errors.As(err, &failed) {
		return err
	}
	return &Error{File: file, Line: r.at, Message: failed.message, Hint: failed.hint, Err: failed.err}
}

// include renders a named template to a string.
func (r *run) include(name string, data any) (string, error) {
	tmpl := r.templates[name]
	if tmpl == nil {
		names := slices.Collect(maps.Keys(r.templates))
		return "", unknown("template", name, names)
	}
	return r.nested(tmpl, fmt.Sprintf("include %q", name), data)
}

// tpl renders a text that stands in the values. It sees all named templates; what it defines is gone afterwards.
func (r *run) tpl(text string, data any) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	defer r.restore(r.templates, r.sources[tplFile], len(r.sites))
	source := newSource(tplFile, text)
	source.isTpl = true
	trees, problems := r.parse(source)
	if len(problems) > 0 {
		return "", inTpl(problems[0])
	}
	main := trees[tplFile]
	delete(trees, tplFile)
	if len(trees) > 0 {
		r.templates = maps.Clone(r.templates)
		r.define(r.templates, trees)
	}
	r.sources[tplFile] = source
	tmpl, err := r.bare.AddParseTree(tplFile, main)
	if err != nil {
		return "", err
	}
	return r.nested(tmpl, "tpl", data)
}

// restore forgets what a text given to tpl has brought.
func (r *run) restore(templates map[string]*template.Template, tpl *source, sites int) {
	r.templates, r.sources[tplFile], r.sites = templates, tpl, r.sites[:sites]
}

// nested executes a template inside of another.
func (r *run) nested(tmpl *template.Template, doing string, data any) (string, error) {
	if err := r.budget.enter(doing); err != nil {
		return "", err
	}
	defer r.budget.leave()
	text := boundedText{budget: &r.budget}
	defer text.close()
	if err := tmpl.Execute(&text, data); err != nil {
		return "", r.locate(err)
	}
	return text.String(), nil
}
