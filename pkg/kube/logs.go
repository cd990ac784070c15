package kube

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// How much of a log is kept, and how much is read at most to get there.
const (
	tailLines = 20
	tailBytes = 4096
	readBytes = 1 << 20
)

// logTail is the end of a container's log, and why it cannot be read.
type logTail struct{ pod, container, text, hint string }

// isOf tells whether this is what there is to read about the cause.
func (l logTail) isOf(found cause) bool {
	return l.text != "" && l.pod == found.pod && l.container == found.container
}

// logTail reads the end of the log of the container that caused a failure, or
// takes its termination message.
func (c *Cluster) logTail(ctx context.Context, namespace string, from cause) logTail {
	request := c.rest.Get().AbsPath("/api/v1/namespaces", namespace, "pods", from.pod, "log").
		Param("container", from.container).
		Param("tailLines", strconv.Itoa(tailLines)).Param("limitBytes", strconv.Itoa(readBytes))
	if from.previous {
		request.Param("previous", "true")
	}
	result := request.Do(quiet(ctx))
	tail := logTail{pod: from.pod, container: from.container}
	switch err := result.Error(); {
	case err == nil:
		log, _ := result.Raw()
		tail.text = tailOf(string(log))
	case apierrors.IsForbidden(err):
		c.lacks(err, right{"get", schema.GroupResource{Resource: "pods/log"}, namespace}, insteadOfLogs)
	case !apierrors.IsNotFound(err):
		tail.hint = "cannot read logs: " + err.Error()
	}
	if tail.text == "" && from.ended != nil {
		tail.text = tailOf(from.ended.Message)
	}
	return tail
}

// tailOf keeps the last lines, whole where they fit, as valid UTF-8 without a
// final line break.
func tailOf(text string) string {
	text = strings.TrimRight(strings.ToValidUTF8(text, "\uFFFD"), "\r\n")
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	for len(lines) > 1 && length(lines) > tailBytes {
		lines = lines[1:]
	}
	text = strings.Join(lines, "\n")
	if len(text) <= tailBytes {
		return text
	}
	start := len(text) - tailBytes
	for !utf8.RuneStart(text[start]) {
		start++
	}
	return text[start:]
}

func length(lines []string) int {
	total := len(lines) - 1
	for _, line := range lines {
		total += len(line)
	}
	return total
}
