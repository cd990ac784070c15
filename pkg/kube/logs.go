package kube

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// LogLine is a line of the log of a container, without its line break.
type LogLine struct {
	Pod, Container, Text string
	// Alone says that its Pod has no other container.
	Alone bool
}

// Label names the container that the line is from; "" where its Pod has no other.
func (l LogLine) Label() string {
	if l.Alone {
		return ""
	}
	return l.Container
}

const (
	// maxLogLine is how many bytes of a line are kept together; what is longer comes as several lines.
	maxLogLine = 16 << 10
	// drainTime is how long the rest of the logs is waited for once a hook has ended.
	drainTime = 5 * time.Second
	// lastLines is how long the last lines are waited for of a hook that still runs when its time is over.
	lastLines = time.Second
)

// logStreams follows the logs of all containers of a hook's Pods, each from its first line to its last. A nil one follows none.
type logStreams struct {
	api *connection
	// start begins to follow a container, and stop ends all that is followed.
	start func(namespace string, from LogLine)
	stop  context.CancelFunc
	// begun are the runs of containers that are followed, or were.
	begun map[string]bool
	// Lines are what the containers say. Whoever follows must read them.
	lines  chan LogLine
	active sync.WaitGroup
}

// newLogStreams returns streams that end with their containers, which may be after ctx has ended, or with Stop, which must be called.
func newLogStreams(ctx context.Context, api *connection) *logStreams {
	s := &logStreams{api: api, begun: map[string]bool{}, lines: make(chan LogLine)}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.start = func(namespace string, from LogLine) {
		s.active.Go(func() { s.follow(ctx, namespace, from) })
	}
	return s
}

// Lines returns what to read lines from; nil, which never has any, of nil streams.
func (s *logStreams) Lines() <-chan LogLine {
	if s == nil {
		return nil
	}
	return s.lines
}

// See begins to follow the containers of a Pod that have begun to run since it was seen last.
func (s *logStreams) See(object *unstructured.Unstructured) {
	pod := corev1.Pod{}
	if s == nil || object == nil || runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &pod) != nil {
		return
	}
	alone := len(pod.Spec.InitContainers)+len(pod.Spec.Containers) == 1
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		// A kubelet names each run of a container. Others, which simulate one, count them.
		run := cmp.Or(status.ContainerID, fmt.Sprintf("%s/%s/%d", pod.UID, status.Name, status.RestartCount))
		if status.State.Running == nil && status.State.Terminated == nil || s.begun[run] {
			continue
		}
		s.begun[run] = true
		s.start(pod.Namespace, LogLine{Pod: pod.Name, Container: status.Name, Alone: alone})
	}
}

// follow sends the lines of one container. Where its log cannot be read it says so.
func (s *logStreams) follow(ctx context.Context, namespace string, from LogLine) {
	stream, err := s.open(ctx, namespace, from)
	switch {
	case apierrors.IsForbidden(err):
		s.api.Lacks(err, right{"get", schema.GroupResource{Resource: "pods/log"}, namespace}, insteadOfLogs)
		return
	case apierrors.IsNotFound(err), ctx.Err() != nil:
		// Nothing is left to read.
		return
	case err != nil:
		s.send(ctx, from, "(the log cannot be read: "+err.Error()+")")
		return
	}
	defer func() { _ = stream.Close() }()
	reader := bufio.NewReaderSize(stream, maxLogLine)
	for {
		line, err := reader.ReadSlice('\n')
		if text := strings.TrimRight(string(line), "\r\n"); err == nil || text != "" {
			s.send(ctx, from, strings.ToValidUTF8(text, "\uFFFD"))
		}
		switch {
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			s.send(ctx, from, "(the log is cut off here: "+err.Error()+")")
			return
		}
	}
}

// open opens a log. A kubelet that stumbles is asked again.
func (s *logStreams) open(ctx context.Context, namespace string, from LogLine) (stream io.ReadCloser, err error) {
	_, err = patience.Repeat(ctx, func() (err error) {
		stream, err = s.api.streams.Get().AbsPath("/api/v1/namespaces", namespace, "pods", from.Pod, "log").
			Param("container", from.Container).Param("follow", "true").Stream(quiet(ctx))
		return err
	})
	return stream, err
}

// send sends a line, unless the streams are stopped before it is read.
func (s *logStreams) send(ctx context.Context, from LogLine, text string) {
	from.Text = text
	select {
	case s.lines <- from:
	case <-ctx.Done():
	}
}

// Stop ends the streams, whatever is left to read.
func (s *logStreams) Stop() {
	if s != nil {
		s.stop()
	}
}

// Drain passes on what is left of the logs, until all containers have ended or the time is over, and ends the streams.
func (s *logStreams) Drain(atMost time.Duration, pass func(LogLine)) {
	if s == nil {
		return
	}
	defer s.Stop()
	ended := make(chan struct{})
	go func() {
		s.active.Wait()
		close(ended)
	}()
	limit := time.NewTimer(atMost)
	defer limit.Stop()
	for {
		select {
		case line := <-s.lines:
			pass(line)
		case <-ended:
			return
		case <-limit.C:
			return
		}
	}
}
