package render

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// allFunctions are what templates may call: sprig's, those that Helm adds, those that answer for the pack, and each
// in lower case too.
func (r *run) allFunctions(lookup lookup) template.FuncMap {
	functions := sprig.TxtFuncMap()
	maps.DeleteFunc(functions, func(name string, _ any) bool { return removed()[strings.ToLower(name)] != "" })
	for _, group := range []template.FuncMap{
		printers(), comparisons(), kinds(), encodings(), durations(), collections(),
		r.answers(), r.templating(),
		{"lookup": lookup.objects},
	} {
		maps.Copy(functions, group)
	}
	functions["b64encode"], functions["b64decode"] = functions["b64enc"], functions["b64dec"]
	for name, function := range functions {
		functions[name] = r.bounded(name, function)
	}
	for name, function := range maps.Clone(functions) {
		lower := strings.ToLower(name)
		if _, taken := functions[lower]; !taken {
			functions[lower] = function
		}
	}
	return functions
}

// removed are the functions of sprig whose result does not follow from the pack and the values, in lower case, with
// the reason.
func removed() map[string]string {
	const environment = "a template does not see the environment of who renders it; pass a value instead"
	return map[string]string{
		"env":           environment,
		"expandenv":     environment,
		"gethostbyname": "a template does not ask the network; pass a value instead",
	}
}

// Removed returns why there is no function of a name that sprig or Helm has; "" for any other name.
func Removed(function string) string { return removed()[strings.ToLower(function)] }

// templating are the functions that reach other templates or end the rendering.
func (r *run) templating() template.FuncMap {
	return template.FuncMap{
		"include":  r.include,
		"tpl":      r.tpl,
		"required": required,
		"fail":     fail,
	}
}

func required(message string, value any) (any, error) {
	if value == nil || value == "" {
		return nil, failed(message, "a required value is missing")
	}
	return value, nil
}

func fail(message string) (string, error) {
	return "", failed(message, "the template calls fail, with an empty message")
}

// failed is the failure that a template asks for, with its own words if it has any.
func failed(message, otherwise string) error {
	if strings.TrimSpace(message) == "" {
		message = otherwise
	}
	return &failure{message: message}
}

// lookup finds objects of the cluster; nil finds none.
type lookup func(apiVersion, kind, namespace, name string) (map[string]any, error)

func (l lookup) objects(apiVersion, kind, namespace, name string) (map[string]any, error) {
	if l == nil {
		return map[string]any{}, nil
	}
	found, err := l(apiVersion, kind, namespace, name)
	if err != nil {
		return nil, &failure{message: fmt.Sprintf("look up %s %s: %v", kind, name, err), err: err}
	}
	if found == nil {
		return map[string]any{}, nil
	}
	return found, nil
}

// printers are those of text/template, listed so that they are bounded like all others.
func printers() template.FuncMap {
	return template.FuncMap{
		"print":    fmt.Sprint,
		"println":  fmt.Sprintln,
		"printf":   printf,
		"html":     template.HTMLEscaper,
		"js":       template.JSEscaper,
		"urlquery": template.URLQueryEscaper,
	}
}

// maxVerbs bounds the verbs of a format: each may be a million characters wide, and all may print the same argument.
const maxVerbs = 200

func printf(format string, args ...any) (string, error) {
	verbs := strings.Count(format, "%")
	if verbs > maxVerbs {
		return "", fmt.Errorf("the format has more than %d verbs", maxVerbs)
	}
	left := 4 * maxValue / max(verbs, 1)
	if weighInto(&left, args, 0) != nil {
		return "", errors.New("the arguments are too large")
	}
	return fmt.Sprintf(format, withFloats(format, args)...), nil
}
