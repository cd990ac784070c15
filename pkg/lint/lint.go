// Package lint finds what is wrong with a pack before anybody installs it. It renders the pack as an installation and an upgrade
// would, with each of the files of values that the pack brings for that, and looks at what comes out. It reaches no cluster: what
// one serves is handed in.
package lint

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

// ValuesPattern is how files of a pack are called that hold values to lint it with.
const ValuesPattern = "ci/*-values.yaml"

// The release that packs are rendered for.
const (
	releaseName = "release-name"
	namespace   = "default"
)

// Linter lints packs for one cluster.
type Linter struct {
	// APIs is what the cluster serves.
	APIs APIs
	// Assumed says that nobody has asked for the version of the cluster: a pack that does not support it is warned of only.
	Assumed bool
	// Engine renders for it.
	Engine render.Engine
}

// Invalid returns what a pack that cannot be opened is refused for.
func Invalid(packPath string, err *pack.InvalidError) []Finding {
	found := newReport()
	found.add(relative(packPath, problems(err))...)
	return found.sorted()
}

// Lint returns what it finds in a pack, sorted by file and line. given are values that it is rendered with; where they are
// nil, it is with those in each file of the pack that ValuesPattern matches or, where there is none, the pack's own alone.
func (l Linter) Lint(s source.Source, given pack.Given) []Finding {
	found, p := newReport(), s.Pack()
	if version := "v" + l.APIs.Version.String(); p.SupportsKube(version) != nil {
		severity := Error
		if l.Assumed {
			severity = Warning
		}
		message := fmt.Sprintf("the pack needs Kubernetes %s and is linted for %s", p.Metadata.KubeVersion, version)
		found.add(Finding{Severity: severity, Rule: RuleKubeVersion, File: pack.MetadataFile, Message: message})
	}
	if missing := missingDependencies(s); len(missing) > 0 {
		found.add(relative(p.Path, missing)...)
		return found.sorted()
	}
	found.add(relative(p.Path, dependencies(s))...)
	if p.Kind == pack.Library {
		found.add(l.library(s)...)
		return found.sorted()
	}
	sets := valueSets(s, given)
	found.sets = len(sets)
	for _, set := range sets {
		found.values = set.file
		completed, err := s.Complete(set.values)
		if err != nil {
			found.add(relative(p.Path, set.locate(problems(err)))...)
			continue
		}
		l.lint(found, s, completed)
	}
	return found.sorted()
}

// valueSet is one set of values to render a pack with.
type valueSet struct {
	// file is the one that they are in; "" for those that are no file of the pack.
	file string
	// lacking is where a value is missed.
	lacking string
	values  render.Values
}

// locate names, for findings about a missing value, the file that it should be in.
func (s valueSet) locate(findings []Finding) []Finding {
	for i := range findings {
		findings[i].File = cmp.Or(findings[i].File, s.lacking)
	}
	return findings
}

func valueSets(s source.Source, given pack.Given) []valueSet {
	var sets []valueSet
	for _, file := range s.Pack().All {
		if match, _ := path.Match(ValuesPattern, file.Path); match {
			sets = append(sets, valueSet{file: file.Path, values: render.Values{File: file.Path}})
		}
	}
	own := valueSet{values: render.Values{Given: given.Values, Layers: slices.Concat(s.Defaults(), given.Layers)}}
	switch {
	case given.Values != nil:
		return []valueSet{own}
	case len(sets) == 0:
		own.lacking = pack.ValuesFile
		return []valueSet{own}
	}
	return sets
}

// library returns what is wrong with a library: its templates are parsed. Those of a chart Helm does not look at.
func (l Linter) library(s source.Source) []Finding {
	if s.IsChart() {
		return nil
	}
	only := definitions(s.Pack())
	_, err := l.Engine.Render(pack.Alone(only, only.Values), newRelease(releaseName))
	return problems(err)
}

// definitions is a library that only defines: what else it has may ask for what only its users have.
func definitions(p *pack.Pack) *pack.Pack {
	only := *p
	only.Templates = slices.DeleteFunc(slices.Clone(p.Templates), func(file pack.File) bool {
		return !strings.HasPrefix(path.Base(file.Path), "_")
	})
	return &only
}

func newRelease(name string) render.Release {
	return render.Release{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}
}

// lint renders a pack in all ways and looks at what comes out.
func (l Linter) lint(found *report, s source.Source, completed render.Completed) {
	install := newRelease(releaseName)
	if p := s.Pack(); !p.Engine.Strict && !s.IsChart() {
		found.add(l.strict(completed.Scopes(), install)...)
	}
	upgrade := install
	upgrade.Revision, upgrade.IsInstall, upgrade.IsUpgrade = 2, false, true
	for _, as := range []render.Release{install, upgrade} {
		result, err := completed.Render(l.Engine, as)
		if err != nil {
			found.add(problems(err)...)
			continue
		}
		found.addWarnings(result.Warnings)
		found.add(problems(result.Mistakes)...)
		found.add(l.look(result.Nodes)...)
	}
	// What cannot be rendered then is not worth a word.
	if result, err := completed.Render(l.Engine, newRelease(longestName())); err == nil {
		found.addLong(result.Nodes)
	}
}

// strict returns what a pack that is not strict would be refused for if it were. It comes first; what it depends on is not its own.
func (l Linter) strict(scopes []pack.Scope, r render.Release) []Finding {
	strict := *scopes[0].Pack
	strict.Engine.Strict = true
	scopes[0].Pack = &strict
	_, err := l.Engine.Render(scopes, r)
	found := problems(err)
	for i := range found {
		found[i].Severity, found[i].Rule = Warning, RuleStrict
	}
	return found
}

// resource is one of what a pack is rendered to.
type resource struct {
	node   *yaml.RNode
	object manifest.Object
}

// at is a finding about the resource as a whole.
func (r resource) at(severity Severity, rule Rule, message string) Finding {
	return Finding{Severity: severity, Rule: rule, File: r.object.File, Line: r.object.Line, Message: r.object.Title() + ": " + message}
}

// look looks at what a pack is rendered to.
func (l Linter) look(nodes []*yaml.RNode) []Finding {
	found := problems(plan.Check(nodes, namespace))
	resources := read(nodes)
	for _, r := range resources {
		found = append(found, tooLong(r, Error)...)
		found = append(found, neverEnds(r)...)
		found = append(found, l.APIs.check(r, resources)...)
	}
	return append(found, missing(resources)...)
}

// read reads resources, without those that are no objects: the check of the plan refuses them.
func read(nodes []*yaml.RNode) []resource {
	var found []resource
	for _, node := range nodes {
		if object, err := manifest.NewObject(node); err == nil {
			found = append(found, resource{node, object})
		}
	}
	return found
}

func neverEnds(r resource) []Finding {
	hooks, err := hook.Select{}.Filter([]*yaml.RNode{r.node})
	if err != nil || len(hooks) == 0 {
		return nil
	}
	if why := (plan.Hook{Object: r.object}).NeverEnds(); why != "" {
		return []Finding{r.at(Warning, RuleHookNeverEnds, why)}
	}
	return nil
}

// longestName is as long as the name of a release may be.
func longestName() string { return strings.Repeat("r", release.MaxNameLength) }
