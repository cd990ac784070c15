package kube

import (
	"context"
	"fmt"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/utils/ptr"
)

// OldestServer is the oldest version of the API server that is supported.
const OldestServer = "v1.30"

// Supports reports whether a server is one that is supported. One whose version cannot be read is.
func Supports(server *version.Info) bool { return atLeast(server, OldestServer) }

func atLeast(server *version.Info, oldest string) bool {
	found, err := utilversion.ParseGeneric(server.GitVersion)
	return err != nil || found.AtLeast(utilversion.MustParseGeneric(oldest))
}

// Features are what servers differ in and this package makes use of. nil is not known.
type Features struct {
	// FieldValidation is that fields are refused which the server does not know, or which are given twice.
	FieldValidation *bool `json:"fieldValidation,omitempty"`
	// AggregatedDiscovery is that two requests tell all that is served, and not one for each group and version.
	AggregatedDiscovery *bool `json:"aggregatedDiscovery,omitempty"`
	// StreamingLists is that a watch begins with what is there, without a list before it.
	StreamingLists *bool `json:"streamingLists,omitempty"`
}

// Feature is one of them for people.
type Feature struct {
	Title string
	// State is yes, no or unknown.
	State string
}

// All returns the features for people.
func (f Features) All() []Feature {
	state := func(has *bool) string {
		switch {
		case has == nil:
			return "unknown"
		case *has:
			return "yes"
		}
		return "no"
	}
	return []Feature{
		{"Strict field validation", state(f.FieldValidation)},
		{"Aggregated discovery", state(f.AggregatedDiscovery)},
		{"Streaming lists", state(f.StreamingLists)},
	}
}

// Version asks the server's version.
func (c *Cluster) Version(ctx context.Context) (*version.Info, error) {
	found, err := discovery.ToServerVersionInterfaceWithContext(c.api.kinds.discovery).ServerVersionWithContext(quiet(ctx))
	if err != nil {
		return nil, fmt.Errorf("asking the server's version: %w", err)
	}
	return found, nil
}

// strictSince is the first version that has field validation for good, which cannot be tried without the right to write.
const strictSince = "v1.27"

// Features tries what a server of that version can do. namespace is one that may be looked into.
func (c *Cluster) Features(ctx context.Context, namespace string, server *version.Info) Features {
	ctx = quiet(ctx)
	return Features{
		FieldValidation:     ptr.To(atLeast(server, strictSince)),
		AggregatedDiscovery: c.api.aggregatesDiscovery(ctx),
		StreamingLists:      c.api.streamsLists(ctx, namespace),
	}
}

// aggregatesDiscovery asks what is served, in the form that discovery prefers.
func (c *connection) aggregatesDiscovery(ctx context.Context) *bool {
	form := ""
	result := c.rest.Get().AbsPath("/apis").SetHeader("Accept", discovery.AcceptV2+","+discovery.AcceptV1).Do(ctx).ContentType(&form)
	if result.Error() != nil {
		return nil
	}
	aggregated, err := discovery.ContentTypeIsGVK(form, apidiscovery.SchemeGroupVersion.WithKind("APIGroupDiscoveryList"))
	return ptr.To(aggregated && err == nil)
}

// streamsLists asks for such a list without any object in it. A server that does not support it refuses it.
func (c *connection) streamsLists(ctx context.Context, namespace string) *bool {
	pods := corev1.SchemeGroupVersion.WithResource("pods")
	stream, err := c.dynamic.Resource(pods).Namespace(namespace).Watch(ctx, metav1.ListOptions{
		FieldSelector: "metadata.name=none", SendInitialEvents: ptr.To(true), AllowWatchBookmarks: true,
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, TimeoutSeconds: ptr.To[int64](1),
	})
	switch {
	case err == nil:
		stream.Stop()
		return ptr.To(true)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return ptr.To(false)
	}
	return nil
}
