package kube

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/metadata"

	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// pageSize bounds what one answer of a list holds.
const pageSize = 500

// scan shows the metadata of all objects to visit, page by page, until visit
// says that it has seen enough. A list that expires between two pages is begun
// anew, so visit may see an object twice; what it keeps it must copy.
func scan(ctx context.Context, objects metadata.ResourceInterface, visit func(*metav1.PartialObjectMetadata) (enough bool)) error {
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := objects.List(ctx, options)
		if apierrors.IsResourceExpired(err) && options.Continue != "" {
			options.Continue = ""
			continue
		}
		if err != nil {
			return err
		}
		for i := range page.Items {
			if visit(&page.Items[i]) {
				return nil
			}
		}
		if options.Continue = page.Continue; options.Continue == "" {
			return nil
		}
	}
}

// patiently asks again, for a second or two, what is not found: a server needs
// a moment to serve, or to stop to announce, what a definition has changed.
func patiently(ctx context.Context, ask func() error) error {
	backoff := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 1.5, Steps: 7}
	for {
		err := ask()
		if !apierrors.IsNotFound(err) || backoff.Steps == 0 {
			return err
		}
		if err := patience.Pause(ctx, backoff.Step()); err != nil {
			return err
		}
	}
}
