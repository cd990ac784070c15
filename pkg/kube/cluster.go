package kube

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
)

// fieldManager owns every field that is applied through this package.
const fieldManager = "sherpack"

// atOnce is how many requests of one call are under way at the same time.
const atOnce = 16

// Cluster is a connection to one API server. It is safe for concurrent use.
type Cluster struct {
	// rest sends requests whose HTTP status or body matters.
	rest rest.Interface
	// dynamic has no request time-out, so that watches live on.
	dynamic  dynamic.Interface
	metadata metadata.Interface
	kinds    *knownKinds

	mu     sync.Mutex
	closed bool
	shared map[source]*feed.Feed

	missing missing
}

// New connects through getter, whose configuration is copied: client-side
// throttling is switched off, because the API server has its own, and API
// warnings are dropped unless the configuration says where they go. It sends
// nothing yet. Close the result when done.
func New(getter genericclioptions.RESTClientGetter) (*Cluster, error) {
	given, err := getter.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read the client configuration: %w", err)
	}
	discovery, err := getter.ToDiscoveryClient()
	if err != nil {
		return nil, fmt.Errorf("set up discovery: %w", err)
	}
	cluster := &Cluster{kinds: newKinds(discovery), shared: map[source]*feed.Feed{}}
	if err := cluster.connect(unthrottled(given)); err != nil {
		return nil, fmt.Errorf("set up the clients: %w", err)
	}
	return cluster, nil
}

func unthrottled(given *rest.Config) *rest.Config {
	config := rest.CopyConfig(given)
	config.QPS, config.Burst, config.RateLimiter = -1, -1, nil
	if config.WarningHandler == nil && config.WarningHandlerWithContext == nil {
		config.WarningHandlerWithContext = rest.NoWarnings{}
	}
	return config
}

func (c *Cluster) connect(config *rest.Config) error {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	if c.rest, err = plainClient(config, client); err != nil {
		return err
	}
	if c.metadata, err = metadata.NewForConfigAndClient(config, client); err != nil {
		return err
	}
	patient := rest.CopyConfig(config)
	patient.Timeout = 0
	c.dynamic, err = dynamic.NewForConfig(patient)
	return err
}

// plainClient speaks JSON to any path and decodes the server's errors.
func plainClient(config *rest.Config, client *http.Client) (rest.Interface, error) {
	config = rest.CopyConfig(config)
	config.GroupVersion = &schema.GroupVersion{}
	config.ContentType = "application/json"
	config.AcceptContentTypes = ""
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	return rest.UnversionedRESTClientForConfigAndClient(config, client)
}

// Close ends the shared watches and waits until they have ended. It may be
// called more than once; after it nothing can be followed any more.
func (c *Cluster) Close() {
	c.mu.Lock()
	feeds := c.shared
	c.shared, c.closed = nil, true
	c.mu.Unlock()
	for _, opened := range feeds {
		opened.Close()
	}
}

// CreateNamespace makes a plain Namespace and reports whether it was made by
// this call, as far as no answer was lost. One that exists is fine, also where
// the right to create Namespaces is missing.
func (c *Cluster) CreateNamespace(ctx context.Context, name string) (created bool, err error) {
	return c.createNamespace(ctx, name, "")
}

// TryNamespace reports whether CreateNamespace would make a Namespace, without
// doing it; the error is CreateNamespace's.
func (c *Cluster) TryNamespace(ctx context.Context, name string) (missing bool, err error) {
	return c.createNamespace(ctx, name, metav1.DryRunAll)
}

func (c *Cluster) createNamespace(ctx context.Context, name, dryRun string) (created bool, err error) {
	namespace := &corev1.Namespace{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}
	result, _ := retried(ctx, func() *rest.Request {
		request := c.rest.Post().AbsPath("/api/v1/namespaces").Param("fieldManager", fieldManager).Body(namespace)
		if dryRun != "" {
			request.Param("dryRun", dryRun)
		}
		return request
	})
	switch err = result.Error(); {
	case err == nil:
		return true, nil
	case apierrors.IsAlreadyExists(err):
		return false, nil
	case apierrors.IsForbidden(err) && c.namespaceExists(ctx, name):
		return false, nil
	}
	return false, fmt.Errorf("create Namespace/%s: %w", name, err)
}

func (c *Cluster) namespaceExists(ctx context.Context, name string) bool {
	return c.rest.Get().AbsPath("/api/v1/namespaces", name).Do(quiet(ctx)).Error() == nil
}
