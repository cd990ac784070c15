package kube

import (
	"net/http"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// connection is what every act on the cluster needs: the clients, what is known of the kinds, and which rights are missing.
type connection struct {
	// rest sends requests whose HTTP status or body matters.
	rest rest.Interface
	// streams is the same without a request time-out, for answers that take as long as what they tell of.
	streams rest.Interface
	// dynamic has no request time-out, so that watches live on.
	dynamic  dynamic.Interface
	metadata metadata.Interface
	kinds    *knownKinds
	missing  missing
}

// newConnection sets up the clients; it sends nothing yet.
func newConnection(given *rest.Config, known discovery.CachedDiscoveryInterface) (*connection, error) {
	c := &connection{kinds: newKinds(known)}
	return c, c.connect(unthrottled(given))
}

func unthrottled(given *rest.Config) *rest.Config {
	config := rest.CopyConfig(given)
	config.QPS, config.Burst, config.RateLimiter = -1, -1, nil
	if config.WarningHandler == nil && config.WarningHandlerWithContext == nil {
		config.WarningHandlerWithContext = rest.NoWarnings{}
	}
	return config
}

func (c *connection) connect(config *rest.Config) error {
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
	if client, err = rest.HTTPClientFor(patient); err != nil {
		return err
	}
	if c.streams, err = plainClient(patient, client); err != nil {
		return err
	}
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

// namespaceOf is the namespace that the objects of a kind are asked for in; ""
// for a kind that has none.
func namespaceOf(mapping *meta.RESTMapping, namespace string) string {
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return namespace
	}
	return ""
}

// Objects are those of a kind in a namespace, which is ignored for a kind that has none.
func (c *connection) Objects(mapping *meta.RESTMapping, namespace string) dynamic.ResourceInterface {
	return c.dynamic.Resource(mapping.Resource).Namespace(namespaceOf(mapping, namespace))
}

// Metadata are the same objects, of which only the metadata is read and written.
func (c *connection) Metadata(mapping *meta.RESTMapping, namespace string) metadata.ResourceInterface {
	return c.metadata.Resource(mapping.Resource).Namespace(namespaceOf(mapping, namespace))
}
