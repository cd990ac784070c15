package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"
)

// Object is one resource with the meaning the API server gives its YAML, and where it came from.
type Object struct {
	*unstructured.Unstructured
	// File is the template it was rendered from; empty where that is not known.
	File string
	// Line is the object's first line in File; 0 where that is not known.
	Line int
}

// NewObject reads a resource as the API server does. The node is not changed.
func NewObject(node *yaml.RNode) (Object, error) {
	object := Object{File: File(node), Line: node.YNode().Line}
	content, ok := contentOf(node.YNode())
	object.Unstructured = &unstructured.Unstructured{Object: content}
	if !ok || object.GroupVersionKind().Kind == "" {
		if err := object.readText(node); err != nil {
			return Object{}, err
		}
	}
	object.dropNulls()
	return object, object.dropFile()
}

// readText reads the text of a resource. It goes from kyaml to sigs.k8s.io/yaml, because kyaml's own conversions turn dates into
// timestamps and `yes` into a string.
func (o Object) readText(node *yaml.RNode) error {
	text, err := node.String()
	if err != nil {
		return o.errorf("not valid YAML: %s", strictyaml.WithoutValues(err.Error()))
	}
	json, err := sigsyaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return o.errorf("not valid YAML: %s", strictyaml.WithoutValues(strings.TrimPrefix(err.Error(), "yaml: ")))
	}
	if err := o.UnmarshalJSON(json); err != nil {
		return o.errorf("not a Kubernetes object: %v", err)
	}
	return nil
}

// dropNulls reads a namespace, labels and annotations without a value as the API server does: a null is none, and a null in a
// mapping is an empty text. Templates leave them behind where there is nothing to add.
func (o Object) dropNulls() {
	metadata, _ := o.Object["metadata"].(map[string]any)
	for _, key := range []string{"namespace", "annotations", "labels"} {
		if metadata[key] == nil {
			delete(metadata, key)
		}
		values, _ := metadata[key].(map[string]any)
		for name, value := range values {
			if value == nil {
				values[name] = ""
			}
		}
	}
}

// dropFile takes off the annotation that carries the file inside a kyaml pipeline.
func (o Object) dropFile() error {
	annotations, found, err := unstructured.NestedStringMap(o.Object, "metadata", "annotations")
	if err != nil {
		return o.errorf("metadata.annotations: every value must be a string (quote numbers and booleans): %v", err)
	}
	if _, _, err := unstructured.NestedStringMap(o.Object, "metadata", "labels"); err != nil {
		return o.errorf("metadata.labels: every value must be a string (quote numbers and booleans): %v", err)
	}
	if !found {
		return nil
	}
	delete(annotations, kioutil.PathAnnotation)
	if len(annotations) == 0 {
		annotations = nil
	}
	o.SetAnnotations(annotations)
	return nil
}

func (o Object) errorf(format string, args ...any) *Error {
	return &Error{File: o.File, Line: o.Line, Message: fmt.Sprintf(format, args...)}
}

// Title names the object as kubectl's users write it: Deployment/web.
func (o Object) Title() string { return o.GetKind() + "/" + o.GetName() }

// Position is where the object stands, as a prefix for messages: "templates/web.yaml:3: ".
func (o Object) Position() string { return Position(o.File, o.Line) }

// Reference identifies the object on a cluster. The UID is empty, and so is the namespace of an object
// that does not name one.
func (o Object) Reference() corev1.ObjectReference {
	return corev1.ObjectReference{
		APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName(),
	}
}

// Key identifies the object across API versions.
func (o Object) Key() kinds.Key { return kinds.KeyOf(o.Reference()) }

// GroupKind returns the kind of the object.
func (o Object) GroupKind() schema.GroupKind { return o.GroupVersionKind().GroupKind() }

// Hash identifies the content of the object: equal content, equal hash.
func (o Object) Hash() (string, error) {
	content, err := json.Marshal(o.Object)
	if err != nil {
		return "", fmt.Errorf("%s%s: %w", o.Position(), o.Title(), err)
	}
	return Sum(content), nil
}

// Sum identifies content: equal content, equal sum.
func Sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}
