package kube

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// checkPath refuses references that would name something else in the path of a
// request, as kinds.CheckPath does.
func checkPath(refs ...corev1.ObjectReference) error {
	var errs []error
	for _, ref := range refs {
		if err := kinds.CheckPath(ref.Namespace, ref.Name); err != nil {
			errs = append(errs, fmt.Errorf("%s %w", ref.Kind, err))
		}
	}
	return errors.Join(errs...)
}
