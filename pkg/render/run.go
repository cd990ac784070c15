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

// run is one rendering of a pack and of those that it depends on.
type run struct {
	// scope is the one whose file is being read or executed: what it includes of others sees the same.
	scope *scope
	// scopes are those of the files, by their paths.
	scopes map[string]*scope
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
	// name is that of the top pack, which the names of all templates begin with.
	name string
}

// scope is what the templates of one pack see.
type scope struct {
	strict bool
	facts  facts
	// dot is what templates get as their dot.
	dot map[string]any
	// base is the folder of its templates.
	base string
}

func newScope(e Engine, of pack.Scope, release Release) *scope {
	facts := newFacts(e, of.Pack, pack.Copy(of.Values), release)
	return &scope{strict: of.Pack.Engine.Strict, facts: facts, dot: facts.helmSpelling(), base: path.Join(of.Folder(), "templates")}
}

func newRun(e Engine, tree []pack.Scope, release Release) *run {
	now := e.Now
	if now == nil {
		now = time.Now
	}
	r := &run{
		scopes:    map[string]*scope{},
		templates: map[string]*template.Template{},
		sources:   map[string]*source{},
		budget:    newBudget(now),
		name:      tree[0].Pack.Metadata.Name,
	}
	for _, of := range tree {
		if of.Pack == nil {
			continue
		}
		scope := newScope(e, of, release)
		for _, file := range of.Pack.Templates {
			r.scopes[path.Join(of.Folder(), file.Path)] = scope
		}
	}
	r.functions = r.allFunctions(e.Lookup)
	r.bare = template.New("").Funcs(r.functions).Funcs(r.internal())
	return r
}

// fullName is the name that a file is included by: Helm's, so that .Template.BasePath leads to it.
func (r *run) fullName(file string) string { return path.Join(r.name, file) }

// templatesOf are the templates of all packs, by their paths in the top pack, in Helm's order. A library only defines, also where
// it has other files.
func (r *run) templatesOf(tree []pack.Scope) []pack.File {
	var files []pack.File
	for _, of := range tree {
		if of.Pack == nil {
			continue
		}
		for _, file := range of.Pack.Templates {
			if len(of.Names) > 0 && of.Pack.Kind == pack.Library && !strings.HasPrefix(path.Base(file.Path), "_") {
				continue
			}
			files = append(files, pack.File{Path: path.Join(of.Folder(), file.Path), Data: file.Data})
		}
	}
	return inHelmsOrder(files)
}

// parseAll makes all named templates of the files.
func (r *run) parseAll(files []pack.File) error {
	var problems problems
	for _, file := range files {
		r.scope = r.scopes[file.Path]
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
	r.scope = r.scopes[file.Path]
	r.scope.dot["Template"] = map[string]any{"Name": r.fullName(file.Path), "BasePath": r.fullName(r.scope.base)}
	writer := &lineWriter{run: r, starts: textStarts(tmpl.Root, r.sources[file.Path])}
	if err := tmpl.Execute(writer, r.scope.dot); err != nil {
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
