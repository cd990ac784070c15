package health

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/jsonpath"
	"k8s.io/kubectl/pkg/cmd/get"
)

// Conditions are met when each of them is, at the same time. They mean exactly
// what `kubectl wait --for` means. They are values: copied freely, safe for
// concurrent use.
type Conditions []Condition

// Condition is one term of Conditions.
type Condition struct {
	// text is the condition as it was written.
	text string
	verb verb
	// subject is a condition's type, or a JSONPath in braces.
	subject string
	// value is what the subject must be; "" for a JSONPath means any.
	value string
}

// verb is what a condition asks.
type verb int

const (
	hasCondition verb = iota
	hasPath
	isCreated
	isDeleted
)

// ParseConditions reads one condition or several joined by semicolons, each in
// the form of `kubectl wait --for`: condition=TYPE[=VALUE],
// jsonpath=EXPRESSION[=VALUE], create or delete. A semicolon inside quotes or
// braces is part of the expression. Space around a condition is ignored; an
// empty one is an error.
func ParseConditions(text string) (Conditions, error) {
	var conditions Conditions
	for _, part := range splitConditions(text) {
		condition, err := parseCondition(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		conditions = append(conditions, condition)
	}
	return conditions, nil
}

// splitConditions splits at the semicolons outside quotes and braces.
func splitConditions(text string) []string {
	var parts []string
	var quote rune
	depth, start := 0, 0
	for i, char := range text {
		switch {
		case quote != 0:
			if char == quote {
				quote = 0
			}
		case char == '\'' || char == '"':
			quote = char
		case char == '{':
			depth++
		case char == '}':
			depth--
		case char == ';' && depth <= 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

func parseCondition(text string) (Condition, error) {
	condition := Condition{text: text}
	kind, rest, _ := strings.Cut(text, "=")
	switch {
	case strings.EqualFold(text, "create"):
		condition.verb = isCreated
	case strings.EqualFold(text, "delete"):
		condition.verb = isDeleted
	case kind == "condition" && text != kind:
		subject, value, given := strings.Cut(rest, "=")
		if !given {
			value = "true"
		}
		condition.verb, condition.subject, condition.value = hasCondition, subject, value
	case kind == "jsonpath" && text != kind:
		return parsePath(condition, rest)
	default:
		return condition, fmt.Errorf("unrecognized condition: %q", text)
	}
	return condition, nil
}

// parsePath reads EXPRESSION[=VALUE], where the expression may lack its braces
// and leading dot, and a doubled equals sign is part of the expression.
func parsePath(condition Condition, text string) (Condition, error) {
	parts := splitAssignment(text)
	if len(parts) > 2 {
		return condition, fmt.Errorf("condition %q: the form is jsonpath='{.status.readyReplicas}'=3 or jsonpath='{.status.readyReplicas}'", condition.text)
	}
	path, err := get.RelaxedJSONPathExpression(unquoted(parts[0]))
	if err != nil {
		return condition, fmt.Errorf("condition %q: %w", condition.text, err)
	}
	if path == "" {
		return condition, fmt.Errorf("condition %q: the jsonpath expression is empty", condition.text)
	}
	condition.verb, condition.subject = hasPath, path
	if len(parts) == 2 {
		if condition.value = strings.Trim(parts[1], `'"`); condition.value == "" {
			return condition, fmt.Errorf("condition %q: a value must follow the equals sign, as in jsonpath='{.status.readyReplicas}'=3", condition.text)
		}
	}
	if err := newPath().Parse(path); err != nil {
		return condition, fmt.Errorf("condition %q: %w", condition.text, err)
	}
	return condition, nil
}

// unquoted drops the quotes that a shell would have taken away.
func unquoted(text string) string {
	if len(text) >= 2 && (text[0] == '\'' || text[0] == '"') && text[len(text)-1] == text[0] {
		return text[1 : len(text)-1]
	}
	return text
}

// splitAssignment splits at single equals signs.
func splitAssignment(text string) []string {
	const double = "\x00"
	parts := strings.Split(strings.ReplaceAll(text, "==", double), "=")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(part, double, "==")
	}
	return parts
}

func newPath() *jsonpath.JSONPath { return jsonpath.New("condition").AllowMissingKeys(true) }

// String is the condition as it was written.
func (c Condition) String() string { return c.text }

// String is what ParseConditions reads.
func (c Conditions) String() string {
	var texts []string
	for _, condition := range c {
		texts = append(texts, condition.text)
	}
	return strings.Join(texts, ";")
}

// Met reports whether all conditions hold on an object that exists; without any
// they do. create holds, delete does not. A JSONPath that matches more than one
// value is an error, and so is one with a value that matches an object or list.
func (c Conditions) Met(object *unstructured.Unstructured) (bool, error) {
	for _, condition := range c {
		met, err := condition.met(object)
		if err != nil {
			return false, fmt.Errorf("%s: %w", condition.text, err)
		}
		if !met {
			return false, nil
		}
	}
	return true, nil
}

// Hold is Met for what is awaited after an apply: a value of a status that speaks of an earlier generation of the object does
// not count, as a condition of it does not anyway.
func (c Conditions) Hold(object *unstructured.Unstructured) (bool, error) {
	for _, condition := range c {
		if condition.verb == hasPath && strings.Contains(condition.subject, "status") && isBehind(object) {
			return false, nil
		}
	}
	return c.Met(object)
}

// MetByDeletion reports whether the conditions hold now that the object, which
// was there, is gone.
func (c Conditions) MetByDeletion() bool {
	deleted := false
	for _, condition := range c {
		deleted = deleted || condition.verb == isDeleted
		if condition.verb != isDeleted && condition.verb != isCreated {
			return false
		}
	}
	return deleted
}

func (c Condition) met(object *unstructured.Unstructured) (bool, error) {
	switch c.verb {
	case hasCondition:
		return c.conditionMet(object)
	case hasPath:
		return c.pathMet(object)
	}
	return c.verb == isCreated, nil
}

// conditionMet looks at the first condition of the type, whatever its case,
// and trusts it only when it speaks of the object's present generation.
func (c Condition) conditionMet(object *unstructured.Unstructured) (bool, error) {
	list, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
	if err != nil {
		return false, err
	}
	for _, entry := range list {
		fields, _ := entry.(map[string]any)
		kind, isText := fields["type"].(string)
		status, hasStatus := fields["status"].(string)
		if isText && hasStatus && strings.EqualFold(kind, c.subject) {
			return observed(object, fields) && strings.EqualFold(status, c.value), nil
		}
	}
	return false, nil
}

func observed(object *unstructured.Unstructured, condition map[string]any) bool {
	generation, known, _ := unstructured.NestedInt64(object.Object, "metadata", "generation")
	seen, said, _ := unstructured.NestedInt64(condition, "observedGeneration")
	if !said {
		seen, said, _ = unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	}
	return !known || !said || seen >= generation
}

func (c Condition) pathMet(object *unstructured.Unstructured) (bool, error) {
	path := newPath()
	if err := path.Parse(c.subject); err != nil {
		return false, err
	}
	results, err := path.FindResults(object.UnstructuredContent())
	switch {
	case err != nil:
		return false, err
	case len(results) == 0 || len(results[0]) == 0:
		return false, nil
	case len(results) > 1:
		return false, errors.New("given jsonpath expression matches more than one list")
	case len(results[0]) > 1:
		return false, errors.New("given jsonpath expression matches more than one value")
	case c.value == "":
		return true, nil
	}
	found := results[0][0].Interface()
	switch found.(type) {
	case map[string]any, []any:
		return false, errors.New("jsonpath leads to a nested object or list which is not supported")
	}
	return strings.TrimSpace(fmt.Sprint(found)) == strings.TrimSpace(c.value), nil
}
