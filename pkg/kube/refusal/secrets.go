package refusal

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// shortest is how long a value of a Secret must be, in bytes, to be hidden: shorter ones are parts of any text.
const shortest = 4

// WithoutSecrets hides what the object, if it is a Secret, holds from the text of an error: the API server, and those
// that it asks for admission, may quote it. Types of the chain are kept.
func WithoutSecrets(object *unstructured.Unstructured, err error) error {
	if err == nil || object.GroupVersionKind().GroupKind() != (schema.GroupKind{Kind: "Secret"}) {
		return err
	}
	text := err.Error()
	for _, value := range secretValues(object) {
		text = strings.ReplaceAll(text, value, "…")
	}
	if text == err.Error() {
		return err
	}
	return &hiddenError{text: text, err: err}
}

// hiddenError is an error with another text.
type hiddenError struct {
	text string
	err  error
}

func (e *hiddenError) Error() string { return e.text }

func (e *hiddenError) Unwrap() error { return e.err }

// secretValues are the values of a Secret in all forms in which they may be quoted, longest first.
func secretValues(object *unstructured.Unstructured) []string {
	var values []string
	add := func(value string) {
		for _, form := range []string{value, quotedInside(value)} {
			if len(form) >= shortest && !slices.Contains(values, form) {
				values = append(values, form)
			}
		}
	}
	for _, key := range []string{"data", "stringData"} {
		entries, _, _ := unstructured.NestedFieldNoCopy(object.Object, key)
		for _, value := range texts(entries) {
			add(value)
			add(strings.TrimSpace(value))
			if decoded, err := base64.StdEncoding.DecodeString(value); err == nil && key == "data" {
				add(string(decoded))
				add(strings.TrimSpace(string(decoded)))
			}
		}
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return values
}

// quotedInside is a text as it stands between the quotes of Go or JSON.
func quotedInside(text string) string { return strings.Trim(strconv.Quote(text), `"`) }

// texts are all texts inside of a value, numbers and whatever else should not be there included.
func texts(value any) []string {
	switch value := value.(type) {
	case nil, bool:
		return nil
	case string:
		return []string{value}
	case map[string]any:
		var found []string
		for _, item := range value {
			found = append(found, texts(item)...)
		}
		return found
	case []any:
		var found []string
		for _, item := range value {
			found = append(found, texts(item)...)
		}
		return found
	}
	return []string{fmt.Sprint(value)}
}
