package convert

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// service is what .Release.Service is to a chart.
const service = `"Helm"`

// chartFields are the fields of .Chart that .Pack has, too.
func chartFields() []string {
	return []string{"Name", "Version", "Description", "AppVersion", "KubeVersion", "Home", "Icon", "Sources", "Keywords", "Maintainers", "Annotations"}
}

var (
	// hookWords are the annotations that mean the same in a pack, as a key of a text; a comment is found as a whole.
	hookWords = regexp.MustCompile(`(?m)#.*$|\bhelm\.sh/(?:hook|hook-weight|hook-delete-policy|resource-policy)["']?\s*:`)
	// oldHooks are the hooks of Helm 2.
	oldHooks = regexp.MustCompile(`helm\.sh/hook["']?\s*:.*crd-install`)
	// inTpl is what a text that is rendered with tpl says of the chart.
	inTpl = regexp.MustCompile(`\{\{[^}]*\.(Chart|Release\.Service|Capabilities\.HelmVersion|Subcharts)\b`)
)

// convertTemplates converts the templates, and finds what in them, in the values and in files that they read cannot be.
func (c *conversion) convertTemplates() {
	c.converted = map[string][]byte{}
	for _, file := range c.chart.All {
		if strings.HasPrefix(file.Path, "templates/") && isTemplate(file.Path) {
			c.convertTemplate(file)
		}
	}
	for _, file := range c.chart.All {
		switch {
		case file.Path == pack.ValuesFile:
			c.checkText(file, "#")
		case c.readsFiles && isReadable(file):
			c.checkText(file, "")
		}
	}
}

// isReadable reports whether a file is a text that templates may read and render with tpl.
func isReadable(file pack.File) bool {
	for _, folder := range []string{"templates/", "crds/", pack.ChartsFolder + "/", "ci/"} {
		if strings.HasPrefix(file.Path, folder) {
			return false
		}
	}
	isOther := slices.Contains([]string{pack.ChartFile, pack.ReadmeFile, pack.SchemaFiles()[0]}, file.Path)
	return !isOther && utf8.Valid(file.Data)
}

// checkText finds in a file what is for tpl and says something of the chart. What follows a comment is not looked at; "" is none.
func (c *conversion) checkText(file pack.File, comment string) {
	line := 0
	for text := range strings.Lines(string(file.Data)) {
		line++
		if comment != "" {
			text, _, _ = strings.Cut(text, comment)
		}
		if match := inTpl.FindStringSubmatch(text); match != nil {
			c.complain(file.Path, line, ".%s in a text for tpl, which convert does not change", match[1])
		}
	}
}

// convertTemplate changes one template.
func (c *conversion) convertTemplate(file pack.File) {
	text := string(file.Data)
	trees, err := parsed(file.Path, text)
	if err != nil {
		c.complain(file.Path, 0, "%v", err)
		return
	}
	r := &rewriter{text: text, complain: func(at int, format string, args ...any) {
		c.complain(file.Path, 1+strings.Count(text[:at], "\n"), format, args...)
	}}
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		r.node(trees[name].Root)
	}
	c.readsFiles = c.readsFiles || r.readsFiles
	converted := r.converted()
	if _, err := parsed(file.Path, converted); err != nil {
		c.complain(file.Path, 0, "cannot be converted: a text would stand where none can: %v", err)
		return
	}
	if converted != text {
		c.converted[file.Path] = []byte(converted)
	}
}

// parsed are the trees of a template, by the names of what it defines, its own name included.
func parsed(name, text string) (map[string]*parse.Tree, error) {
	trees := map[string]*parse.Tree{}
	tree := parse.New(name)
	tree.Mode = parse.SkipFuncCheck
	_, err := tree.Parse(text, "", "", trees)
	return trees, err
}

// rewriter goes through the tree of a template and gathers what is to be changed in its text: strings and comments are not.
type rewriter struct {
	text     string
	complain func(at int, format string, args ...any)
	edits    []edit
	// readsFiles says that other files of the chart are read.
	readsFiles bool
}

// edit replaces a part of the text.
type edit struct {
	at, length int
	with       string
}

// node visits a node and those below it. nil is none.
func (r *rewriter) node(node parse.Node) {
	switch node := node.(type) {
	case *parse.ListNode:
		if node != nil {
			for _, child := range node.Nodes {
				r.node(child)
			}
		}
	case *parse.TextNode:
		r.plain(int(node.Pos), string(node.Text))
	case *parse.ActionNode:
		r.node(node.Pipe)
	case *parse.TemplateNode:
		r.node(node.Pipe)
	case *parse.IfNode:
		r.branch(&node.BranchNode)
	case *parse.WithNode:
		r.branch(&node.BranchNode)
	case *parse.RangeNode:
		r.branch(&node.BranchNode)
	default:
		r.expression(node)
	}
}

func (r *rewriter) branch(node *parse.BranchNode) {
	r.node(node.Pipe)
	r.node(node.List)
	r.node(node.ElseList)
}

// expression visits a part of an action.
func (r *rewriter) expression(node parse.Node) {
	switch node := node.(type) {
	case *parse.PipeNode:
		if node != nil {
			for _, cmd := range node.Cmds {
				r.expression(cmd)
			}
		}
	case *parse.CommandNode:
		for _, arg := range node.Args {
			r.expression(arg)
		}
	case *parse.StringNode:
		r.literal(node)
	case *parse.IdentifierNode:
		if reason := render.Removed(node.Ident); reason != "" {
			r.complain(int(node.Pos), "packs have no function %s: %s", node.Ident, reason)
		}
	case *parse.ChainNode:
		r.expression(node.Node)
		r.chain(chain{at: int(node.Pos), names: node.Field, of: true})
	case *parse.FieldNode:
		at := int(node.Pos)
		if len(node.Ident) > 1 {
			// The parser says where the second name is.
			at -= len(".") + len(node.Ident[0])
		}
		r.chain(chain{at: at, names: node.Ident})
	case *parse.VariableNode:
		if len(node.Ident) > 1 {
			r.chain(chain{at: int(node.Pos), names: node.Ident[1:], variable: node.Ident[0]})
		}
	}
}

// literal finds a text that names something of the chart. Texts are not changed, because nobody knows what they are for.
func (r *rewriter) literal(node *parse.StringNode) {
	if slices.Contains([]string{"Chart", "Release", "Subcharts", "HelmVersion"}, node.Text) {
		r.complain(int(node.Pos), "%s may be the name of a field, which convert does not change in a text; write it as a field, such as .Chart.Name", node.Quoted)
	}
	if match := inTpl.FindStringSubmatch(node.Text); match != nil {
		r.complain(int(node.Pos), ".%s in a text for tpl, which convert does not change", match[1])
	}
}

// chain are names behind dots.
type chain struct {
	// at is where the first dot is.
	at    int
	names []string
	// variable is what stands before it; "" is the dot itself.
	variable string
	// of says that another expression stands before it.
	of bool
}

// String returns the chain as it stands in the text.
func (c chain) String() string { return "." + strings.Join(c.names, ".") }

// chain changes what a chain says of the chart. Values may have any names.
func (r *rewriter) chain(c chain) {
	if c.names[0] == "Values" {
		return
	}
	if c.names[0] == "Subcharts" {
		r.complain(c.at, "packs have no .Subcharts")
	}
	if !strings.HasPrefix(r.text[c.at:], c.String()) {
		r.complain(c.at, "%s cannot be converted: it is written in an unusual way", c)
		return
	}
	at := c.at
	for i, name := range c.names {
		next := ""
		if i+1 < len(c.names) {
			next = c.names[i+1]
		}
		r.name(c, at, name, next)
		at += len(".") + len(name)
	}
}

// name changes one name of a chain, which stands behind a dot at a place and before another name, "" where there is none.
func (r *rewriter) name(c chain, at int, name, next string) {
	switch {
	case name == "Files":
		r.readsFiles = true
	case name == "Chart" && next != "" && !slices.Contains(chartFields(), next):
		r.complain(at, "packs have no .Chart.%s", next)
	case name == "Chart":
		r.edits = append(r.edits, edit{at, len(".Chart"), ".Pack"})
	case name == "HelmVersion":
		r.complain(at, "packs have no .Capabilities.HelmVersion")
	case name == "Release" && next == "":
		r.complain(at, ".Release as a whole has another Service in a pack; use its fields, such as .Release.Name")
	case name == "Release" && next == "Service" && c.of:
		r.complain(at, "%s of an expression cannot be converted", c)
	case name == "Release" && next == "Service":
		start := c.at - len(c.variable)
		r.edits = append(r.edits, edit{start, at + len(".Release.Service") - start, service})
	}
}

// plain changes the annotations in what stands between actions.
func (r *rewriter) plain(at int, text string) {
	if found := oldHooks.FindStringIndex(text); found != nil {
		r.complain(at+found[0], "crd-install is a hook of Helm 2; move the definition to crds/")
	}
	for _, match := range hookWords.FindAllStringIndex(text, -1) {
		if text[match[0]] != '#' {
			r.edits = append(r.edits, edit{at + match[0], len("helm.sh/"), "sherpack.io/"})
		}
	}
}

// converted returns the text with all changes.
func (r *rewriter) converted() string {
	slices.SortFunc(r.edits, func(a, b edit) int { return b.at - a.at })
	text := r.text
	for _, edit := range slices.Compact(r.edits) {
		text = fmt.Sprint(text[:edit.at], edit.with, text[edit.at+edit.length:])
	}
	return text
}
