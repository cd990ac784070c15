package kube

import (
	"context"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/klog/v2"
)

// quiet returns a context in which client-go does not complain to the
// terminal: what it would say is told by our errors. What is logged with a
// verbosity of one or more still is.
func quiet(ctx context.Context) context.Context {
	return klog.NewContext(ctx, quietLogger(klog.FromContext(ctx)))
}

func quietLogger(logger logr.Logger) logr.Logger {
	sink := logger.GetSink()
	if _, done := sink.(quietSink); done || sink == nil {
		return logger
	}
	return logger.WithSink(quietSink{sink})
}

// quietSink drops errors and what has no verbosity.
type quietSink struct{ logr.LogSink }

func (s quietSink) Info(level int, message string, values ...any) {
	if level > 0 {
		s.LogSink.Info(level, message, values...)
	}
}

func (quietSink) Error(error, string, ...any) {}

func (s quietSink) WithValues(values ...any) logr.LogSink {
	return quietSink{s.LogSink.WithValues(values...)}
}

func (s quietSink) WithName(name string) logr.LogSink { return quietSink{s.LogSink.WithName(name)} }

// quietDiscovery does not complain of groups that cannot be asked.
type quietDiscovery struct {
	discovery.CachedDiscoveryInterfaceWithContext
}

func (d quietDiscovery) ServerGroupsAndResourcesWithContext(ctx context.Context) ([]*metav1.APIGroup, []*metav1.APIResourceList, error) {
	return d.CachedDiscoveryInterfaceWithContext.ServerGroupsAndResourcesWithContext(quiet(ctx))
}
