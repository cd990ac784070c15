// Package field reads the fields of an object that may not be there.
package field

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// Text reads a text in an object; "" when it was not found, or is no text.
func Text(object *unstructured.Unstructured, path ...string) string {
	text, _, _ := unstructured.NestedString(object.Object, path...)
	return text
}

// IsTrue reads a truth value in an object; false when it was not found, or is none.
func IsTrue(object *unstructured.Unstructured, path ...string) bool {
	value, _, _ := unstructured.NestedBool(object.Object, path...)
	return value
}
