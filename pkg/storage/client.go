package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"

	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// client reads and writes single Secrets, and lists them. Requests that write are repeated until they have an answer.
type client struct {
	secrets  corev1client.CoreV1Interface
	metadata metadata.Interface
	// run marks what this run writes, so that parts of two runs never get in each other's way.
	run string
}

func (c *client) head(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	head, err := c.secrets.Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, ErrNotFound
	}
	return head, err
}

func (c *client) list(ctx context.Context, namespace string, selector labels.Selector) ([]metav1.PartialObjectMetadata, error) {
	resource := corev1.SchemeGroupVersion.WithResource("secrets")
	found, err := c.metadata.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, err
	}
	return found.Items, nil
}

// parts reads the parts of a revision in one request, keyed by name. Where the head does not say which run wrote them, those
// of all runs count.
func (c *client) parts(ctx context.Context, head *corev1.Secret) (map[string]*corev1.Secret, error) {
	name, revision := parseHeadName(head.Name)
	which := revisionLabels(name, revision)
	if run := head.Labels[labelRun]; run != "" {
		which[labelRun] = run
	}
	selector := labels.SelectorFromSet(which).Add(has(labelPart)...)
	found, err := c.secrets.Secrets(head.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, err
	}
	parts := make(map[string]*corev1.Secret, len(found.Items))
	for i := range found.Items {
		parts[found.Items[i].Name] = &found.Items[i]
	}
	return parts, nil
}

// create creates a Secret, and returns what the server has added to its metadata. One of this run that is there
// already counts as created where an earlier try may have been carried out.
func (c *client) create(ctx context.Context, secret *corev1.Secret) (*metav1.ObjectMeta, error) {
	created, options := &metav1.PartialObjectMetadata{}, createOptions()
	unsure, err := patience.Repeat(ctx, func() error {
		// Retries of the client's own would hide that there was a try before. The content need not come back.
		result := c.secrets.RESTClient().Post().MaxRetries(0).Namespace(secret.Namespace).Resource("secrets").
			VersionedParams(&options, scheme.ParameterCodec).SetHeader("Accept", metadataOnly).Body(secret).Do(ctx)
		// Raw alone does not tell what the server says of an error.
		if err := result.Error(); err != nil {
			return err
		}
		answer, err := result.Raw()
		if err != nil {
			return err
		}
		return json.Unmarshal(answer, created)
	})
	if !unsure || !apierrors.IsAlreadyExists(err) {
		return &created.ObjectMeta, err
	}
	found, failure := c.secrets.Secrets(secret.Namespace).Get(ctx, secret.Name, metav1.GetOptions{})
	if failure == nil && (found.Labels[labelRun] == c.run || found.Annotations[annotationWriter] == c.run) {
		return &found.ObjectMeta, nil
	}
	return nil, errors.Join(err, failure)
}

// patch changes a Secret. It may be sent more than once: none of our patches does harm when it comes twice.
func (c *client) patch(ctx context.Context, namespace, name string, patch []byte) (changed *corev1.Secret, err error) {
	_, err = patience.Repeat(ctx, func() error {
		changed, err = c.secrets.Secrets(namespace).Patch(ctx, name, types.MergePatchType, patch, patchOptions())
		return err
	})
	return changed, err
}

// delete removes Secrets, several at a time. One that is gone already is no error.
func (c *client) delete(ctx context.Context, namespace string, names []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, name := range names {
		group.Go(func() error {
			_, err := patience.Repeat(ctx, func() error {
				return c.secrets.Secrets(namespace).Delete(ctx, name, metav1.DeleteOptions{})
			})
			return ignoreNotFound(err)
		})
	}
	return group.Wait()
}

func notFound(err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func createOptions() metav1.CreateOptions { return metav1.CreateOptions{FieldManager: fieldManager} }

func patchOptions() metav1.PatchOptions { return metav1.PatchOptions{FieldManager: fieldManager} }
