package diff

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubectl "k8s.io/kubectl/pkg/cmd/diff"
)

// Masked returns the change without the values of a Secret, as kubectl diff shows them: *** for one that stays, and
// *** (before) and *** (after) for one that changes.
func (c Change) Masked() (Change, error) {
	if c.Ref.GroupVersionKind().GroupKind() != (schema.GroupKind{Kind: "Secret"}) {
		return c, nil
	}
	for _, field := range []string{"data", "stringData"} {
		masker, err := kubectl.NewMasker(dataOf(c.Before, field), dataOf(c.After, field))
		if err != nil {
			return Change{}, fmt.Errorf("hiding the values of Secret %s: %w", c.Ref.Name, err)
		}
		c.Before, c.After = withData(c.Before, field, masker.From()), withData(c.After, field, masker.To())
	}
	return c, nil
}

// dataOf returns an object that has a field of a Secret as its data, which is what the Masker masks. Its values are texts, which
// can be compared; what is none was refused by the API server, but may be on record.
func dataOf(secret *unstructured.Unstructured, field string) runtime.Object {
	if secret == nil {
		return nil
	}
	texts := map[string]any{}
	values, isMap := secret.Object[field].(map[string]any)
	if !isMap && secret.Object[field] != nil {
		values = map[string]any{"": secret.Object[field]}
	}
	for key, value := range values {
		// What was read from YAML can be written as JSON.
		text, _ := json.Marshal(value)
		texts[key] = string(text)
	}
	return &unstructured.Unstructured{Object: map[string]any{"data": texts}}
}

// withData returns a copy of a Secret with masked values in place of those of a field.
func withData(secret *unstructured.Unstructured, field string, masked runtime.Object) *unstructured.Unstructured {
	if secret == nil || secret.Object[field] == nil {
		return secret
	}
	secret = secret.DeepCopy()
	if values, ok := masked.(*unstructured.Unstructured); ok {
		secret.Object[field] = values.Object["data"]
	}
	return secret
}
