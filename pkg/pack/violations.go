package pack

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// Place is where values are among all that are given together: those of a pack or chart among those of the one that was opened,
// which is the same or depends on it.
type Place struct {
	// Opened is what was opened, as the user named it. Files in it are named after it.
	Opened string
	// Folder is where the pack or chart lies in that; "" for the same.
	Folder string
	// Path are the keys that lead to its values among all; none for the same.
	Path []string
	// Source says where the value at a path of keys and indexes among all was given, and whether that is known; see SourceIn.
	Source func(path []string) (Source, bool)
	// Extra are keys of its values that a schema need not describe.
	Extra []string
}

// SourceIn returns where values were given that come from layers, the strongest of which is the last.
func SourceIn(layers []Layer) func(path []string) (Source, bool) {
	return func(path []string) (Source, bool) {
		for _, layer := range slices.Backward(layers) {
			if len(path) > 0 && has(layer.Values, path) {
				return layer.Source(path), true
			}
		}
		return Source{}, false
	}
}

// Problem is what is wrong with the value at a path of keys among those of the place.
func (at Place) Problem(message string, path ...string) Problem {
	path = slices.Concat(at.Path, path)
	return at.located(Problem{Path: dotted(path), Message: message}, path)
}

// located returns a problem with where the value at a path among all was given: its own one or, where a key is missing, that of
// the mapping.
func (at Place) located(problem Problem, path []string) Problem {
	problem.Path, path = at.outermost(problem.Path, path)
	from, known := at.Source(path)
	switch {
	case !known:
	case from.Revision > 0:
		problem.File = from.String()
	case from.Kind == FromDefaults:
		problem.File, problem.Line = PathIn(at.Opened, cmp.Or(from.File, ValuesFile)), from.Line
	case from.Kind == FromFile:
		problem.File, problem.Line = from.File, from.Line
	case from.IsFlag() && problem.Path == dotted(path):
		problem.File, problem.Path = from.String()+" "+problem.Path, ""
	}
	return problem
}

// outermost returns the path of a value, also as it is shown, as it was given where all packs see it: the outermost pack that has it
// below GlobalKey wins. Any other path stays as it is.
func (at Place) outermost(shown string, path []string) (string, []string) {
	depth := len(at.Path)
	if len(path) <= depth || path[depth] != GlobalKey {
		return shown, path
	}
	for i := range depth {
		outer := slices.Concat(path[:i], path[depth:])
		if _, given := at.Source(outer); given {
			return prefixed(path[:i], strings.TrimPrefix(shown, dotted(at.Path)+".")), outer
		}
	}
	return shown, path
}

// Validate compares the values at a place, which have no nulls, with the schema of the pack. The error is an *InvalidError, whose
// problems are sorted by path.
func (p *Pack) Validate(values map[string]any, at Place) error {
	if p.Schema == nil {
		return nil
	}
	err := within(validationTime, func() error { return p.Schema.compiled.Validate(values) })
	if err == nil {
		return nil
	}
	var violation *jsonschema.ValidationError
	if !errors.As(err, &violation) {
		return &InvalidError{Problems: []Problem{{Message: "validate the values: " + err.Error()}}}
	}
	problems := p.violations(violation, at)
	if len(problems) == 0 {
		return nil
	}
	return &InvalidError{Problems: problems, Schema: PathIn(at.Opened, path.Join(at.Folder, p.Schema.File))}
}

func (p *Pack) violations(of *jsonschema.ValidationError, at Place) []Problem {
	type violated struct {
		Problem
		path []string
	}
	var found []violated
	for _, leaf := range leaves(of) {
		for i, problem := range explain(leaf, p.Schema) {
			path := pathOf(leaf, i)
			if isUnknownKey(leaf) && len(path) == 1 && slices.Contains(at.Extra, path[0]) {
				continue
			}
			problem.Path = prefixed(at.Path, problem.Path)
			found = append(found, violated{problem, slices.Concat(at.Path, path)})
		}
	}
	slices.SortStableFunc(found, func(a, b violated) int { return cmp.Compare(a.Path, b.Path) })
	problems := make([]Problem, len(found))
	for i, one := range found {
		problems[i] = at.located(one.Problem, one.path)
	}
	return slices.Compact(problems)
}

// prefixed is the path of a value below that of a mapping, which may be empty.
func prefixed(below []string, path string) string {
	switch {
	case len(below) == 0:
		return path
	case path == "" || strings.HasPrefix(path, "["):
		return dotted(below) + path
	}
	return dotted(below) + "." + path
}

func isUnknownKey(violation *jsonschema.ValidationError) bool {
	_, unknown := violation.ErrorKind.(*kind.AdditionalProperties)
	return unknown
}

// pathOf is where the problem is that explain words at an index of a violation.
func pathOf(violation *jsonschema.ValidationError, i int) []string {
	if more, ok := violation.ErrorKind.(*kind.AdditionalProperties); ok {
		return append(slices.Clone(violation.InstanceLocation), more.Properties[i])
	}
	return violation.InstanceLocation
}

// has says whether there is anything at a path of keys and indexes.
func has(values any, path []string) bool {
	if len(path) == 0 {
		return true
	}
	switch values := values.(type) {
	case map[string]any:
		inner, ok := values[path[0]]
		return ok && has(inner, path[1:])
	case []any:
		i, err := strconv.Atoi(path[0])
		return err == nil && i < len(values) && has(values[i], path[1:])
	}
	return false
}

// leaves are the violations that say what is wrong. Those below an anyOf or oneOf belong to it.
func leaves(violation *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(violation.Causes) == 0 || isChoice(violation) {
		return []*jsonschema.ValidationError{violation}
	}
	var found []*jsonschema.ValidationError
	for _, cause := range violation.Causes {
		found = append(found, leaves(cause)...)
	}
	return found
}

func isChoice(violation *jsonschema.ValidationError) bool {
	switch violation.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		return true
	}
	return false
}

// explain words a violation; it may be several problems. schema may be nil.
func explain(violation *jsonschema.ValidationError, schema *Schema) []Problem {
	at := violation.InstanceLocation
	switch wrong := violation.ErrorKind.(type) {
	case *kind.Required:
		return each(at, wrong.Missing, func(string) string { return "is required" })
	case *kind.AdditionalProperties:
		var known []string
		if schema != nil {
			known = schema.propertiesAt(at)
		}
		return each(at, wrong.Properties, func(name string) string { return "unknown key" + words.Suggestion(name, known) })
	case *kind.Type:
		return []Problem{{Path: dotted(at), Message: fmt.Sprintf("is %s, must be %s", wrong.Got, strings.Join(wrong.Want, " or "))}}
	// The library would show the value, which may be a secret.
	case *kind.Pattern:
		return []Problem{{Path: dotted(at), Message: "does not match the pattern " + wrong.Want}}
	case *kind.Format:
		return []Problem{{Path: dotted(at), Message: "is no valid " + wrong.Want}}
	case *kind.ContentEncoding:
		return []Problem{{Path: dotted(at), Message: "is no valid " + wrong.Want}}
	case *kind.ContentMediaType:
		return []Problem{{Path: dotted(at), Message: "is no valid " + wrong.Want}}
	}
	wording := violation.ErrorKind.LocalizedString(message.NewPrinter(language.English))
	if phrase, want := bound(violation.ErrorKind); want != nil {
		wording = phrase + " " + plain(want)
	}
	if isChoice(violation) && len(violation.Causes) > 0 {
		wording = "matches none of the allowed forms: " + choices(violation, schema)
	}
	return []Problem{{Path: dotted(at), Message: wording}}
}

// bound words the violations by a number that is out of bounds; nil for all others.
func bound(wrong jsonschema.ErrorKind) (phrase string, want *big.Rat) {
	switch wrong := wrong.(type) {
	case *kind.Minimum:
		return "must be at least", wrong.Want
	case *kind.Maximum:
		return "must be at most", wrong.Want
	case *kind.ExclusiveMinimum:
		return "must be more than", wrong.Want
	case *kind.ExclusiveMaximum:
		return "must be less than", wrong.Want
	case *kind.MultipleOf:
		return "must be a multiple of", wrong.Want
	}
	return "", nil
}

// plain writes a number as people do.
func plain(number *big.Rat) string {
	if number.IsInt() {
		return number.RatString()
	}
	float, _ := number.Float64()
	return strconv.FormatFloat(float, 'g', -1, 64)
}

func each(at, names []string, message func(name string) string) []Problem {
	problems := make([]Problem, len(names))
	for i, name := range names {
		problems[i] = Problem{Path: dotted(append(slices.Clone(at), name)), Message: message(name)}
	}
	return problems
}

// choices words why each of the allowed forms does not match.
func choices(violation *jsonschema.ValidationError, schema *Schema) string {
	forms := make([]string, len(violation.Causes))
	for i, cause := range violation.Causes {
		var reasons []string
		for _, leaf := range leaves(cause) {
			reasons = append(reasons, reasonsOf(leaf, schema, dotted(violation.InstanceLocation))...)
		}
		forms[i] = strings.Join(reasons, ", ")
	}
	return strings.Join(forms, "; or ")
}

// reasonsOf words a violation for the message about a path, which need not say that path again.
func reasonsOf(leaf *jsonschema.ValidationError, schema *Schema, path string) []string {
	problems := explain(leaf, schema)
	reasons := make([]string, len(problems))
	for i, problem := range problems {
		if problem.Path == path {
			problem.Path = ""
		}
		reasons[i] = problem.String()
	}
	return reasons
}

// dotted writes a path as people do, image.tags[0]. A key that is no plain word is quoted.
func dotted(path []string) string {
	var out strings.Builder
	for _, key := range path {
		_, err := strconv.Atoi(key)
		switch {
		case err == nil:
			fmt.Fprintf(&out, "[%s]", key)
		case strings.ContainsAny(key, ". []\""):
			fmt.Fprintf(&out, "[%q]", key)
		case out.Len() > 0:
			out.WriteString("." + key)
		default:
			out.WriteString(key)
		}
	}
	return out.String()
}
