package kube

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
)

// checkPath refuses names and namespaces that would name something else in the
// path of a request: ConfigMap ".." of a namespace is that namespace. Both may
// be empty.
func checkPath(refs ...corev1.ObjectReference) error {
	var errs []error
	for _, ref := range refs {
		for _, part := range [][2]string{{"namespace", ref.Namespace}, {"name", ref.Name}} {
			if problems := rest.IsValidPathSegmentName(part[1]); len(problems) > 0 {
				errs = append(errs, fmt.Errorf("%s %q of a %s: %s", part[0], part[1], ref.Kind, strings.Join(problems, ", ")))
			}
		}
	}
	return errors.Join(errs...)
}
