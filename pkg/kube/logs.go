package kube

import (
	"context"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
)

// readBytes is how much of a log is read at most to get at its end.
const readBytes = 1 << 20

// logTail is the end of a container's log, and why it cannot be read.
type logTail struct{ pod, container, text, hint string }

// isOf tells whether this is what there is to read about the cause.
func (l logTail) isOf(found pods.Cause) bool {
	return l.text != "" && l.pod == found.Pod && l.container == found.Container
}

// logTail reads the end of the log of the container that caused a failure, or
// takes its termination message.
func (c *Cluster) logTail(ctx context.Context, namespace string, from pods.Cause) logTail {
	request := c.rest.Get().AbsPath("/api/v1/namespaces", namespace, "pods", from.Pod, "log").
		Param("container", from.Container).
		Param("tailLines", strconv.Itoa(pods.TailLines)).Param("limitBytes", strconv.Itoa(readBytes))
	if from.Previous {
		request.Param("previous", "true")
	}
	result := request.Do(quiet(ctx))
	tail := logTail{pod: from.Pod, container: from.Container}
	switch err := result.Error(); {
	case err == nil:
		log, _ := result.Raw()
		tail.text = pods.Tail(string(log))
	case apierrors.IsForbidden(err):
		c.lacks(err, right{"get", schema.GroupResource{Resource: "pods/log"}, namespace}, insteadOfLogs)
	case !apierrors.IsNotFound(err):
		tail.hint = "cannot read logs: " + err.Error()
	}
	if tail.text == "" && from.Ended != nil {
		tail.text = pods.Tail(from.Ended.Message)
	}
	return tail
}
