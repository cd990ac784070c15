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
)

// LogLine is a line of the log of a container, without its line break.
type LogLine struct {
	Pod, Container, Text string
	// Alone says that its Pod has no other container.
	Alone bool
}

const (
	// maxLogLine is how many bytes of a line are kept together; what is longer comes as several lines.
	maxLogLine = 16 << 10
	// drainTime is how long the rest of the logs is waited for once a hook has ended.
	drainTime = 5 * time.Second
)

// logStreams follows the logs of all containers of a hook's Pods, each from its first line to its last. A nil one follows none.
type logStreams struct {
	api  *connection
	stop context.CancelFunc
	// begun are the runs of containers that are followed, or were.
	begun map[string]bool
	// Lines are what the containers say. Whoever follows must read them.
	lines  chan LogLine
	active sync.WaitGroup
}

// newLogStreams returns streams that end with ctx, or with Drain.
func newLogStreams(api *connection) *logStreams {
	return &logStreams{api: api, begun: map[string]bool{}, lines: make(chan LogLine)}
}

// Lines returns what to read lines from; nil, which never has any, of nil streams.
func (s *logStreams) Lines() <-chan LogLine {
	if s == nil {
		return nil
	}
	return s.lines
}

// See begins to follow the containers of a Pod that have begun to run since it was seen last.
func (s *logStreams) See(ctx context.Context, object *unstructured.Unstructured) {
	pod := corev1.Pod{}
	if s == nil || object == nil || runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &pod) != nil {
		return
	}
	if s.stop == nil {
		// They end by themselves with their containers, which may be after ctx has ended.
		ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	}
	alone := len(pod.Spec.InitContainers)+len(pod.Spec.Containers) == 1
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		// A kubelet names each run of a container. Others, which simulate one, count them.
		run := cmp.Or(status.ContainerID, fmt.Sprintf("%s/%s/%d", pod.UID, status.Name, status.RestartCount))
		if status.State.Running == nil && status.State.Terminated == nil || s.begun[run] {
			continue
		}
		s.begun[run] = true
		s.active.Go(func() { s.follow(ctx, pod.Namespace, LogLine{Pod: pod.Name, Container: status.Name, Alone: alone}) })
	}
}

// follow sends the lines of one container.
func (s *logStreams) follow(ctx context.Context, namespace string, from LogLine) {
	stream, err := s.api.streams.Get().AbsPath("/api/v1/namespaces", namespace, "pods", from.Pod, "log").
		Param("container", from.Container).Param("follow", "true").Stream(quiet(ctx))
	switch {
	case apierrors.IsForbidden(err):
		s.api.Lacks(err, right{"get", schema.GroupResource{Resource: "pods/log"}, namespace}, insteadOfLogs)
		return
	case err != nil:
		// It is gone: nothing is left to read.
		return
	}
	defer func() { _ = stream.Close() }()
	reader := bufio.NewReaderSize(stream, maxLogLine)
	for {
		line, err := reader.ReadSlice('\n')
		if text := strings.TrimRight(string(line), "\r\n"); err == nil || text != "" {
			from.Text = strings.ToValidUTF8(text, "\uFFFD")
			select {
			case s.lines <- from:
			case <-ctx.Done():
				return
			}
		}
		switch {
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return
		default:
			from.Text = "(the log is cut off here: " + err.Error() + ")"
			select {
			case s.lines <- from:
			case <-ctx.Done():
			}
			return
		}
	}
}

// Stop ends the streams, whatever is left to read.
func (s *logStreams) Stop() {
	if s != nil && s.stop != nil {
		s.stop()
	}
}

// Drain passes on what is left of the logs of containers that have ended, and ends the streams.
func (s *logStreams) Drain(pass func(LogLine)) {
	if s == nil || s.stop == nil {
		return
	}
	defer s.Stop()
	ended := make(chan struct{})
	go func() {
		s.active.Wait()
		close(ended)
	}()
	limit := time.NewTimer(drainTime)
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
