package printers

import (
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// JSONEvents returns an observer that writes each event as one line of JSON. The events of several observers of one JSONLines
// are numbered together.
func JSONEvents(out io.Writer) func(lifecycle.Event) {
	lines := NewJSONLines(out)
	// An event that cannot be written must not end the work it reports.
	return func(event lifecycle.Event) { _ = lines.write(event) }
}

// TextEvents returns an observer that writes a line for each event that people want to see as it happens. A verbosity above
// 0 adds what could not be checked beforehand.
func TextEvents(out io.Writer, verbosity int) func(lifecycle.Event) {
	return func(event lifecycle.Event) {
		if event.Type == lifecycle.PreflightSkipped && verbosity < 1 {
			return
		}
		if text := textLine(event); text != "" {
			_, _ = fmt.Fprintln(out, line(text))
		}
	}
}

func textLine(event lifecycle.Event) string {
	switch event.Type {
	case lifecycle.HookStarted, lifecycle.HookProgress, lifecycle.HookFinished, lifecycle.HookSkipped:
		return hookLine(event)
	case lifecycle.ObjectApplied, lifecycle.ObjectDeleted, lifecycle.ObjectKept, lifecycle.ObjectGivenBack:
		return objectLine(event)
	case lifecycle.WaitStarted:
		return "waiting for " + event.Message + " to be ready"
	case lifecycle.WaitProgress:
		return objectName(event) + ": " + words.Join(": ", string(event.Result), event.Message)
	case lifecycle.PreflightSkipped:
		return objectName(event) + ": not checked by the preflight: " + event.Message
	case lifecycle.Warning:
		return "warning: " + event.Message
	}
	return ""
}

func hookLine(event lifecycle.Event) string {
	switch event.Type {
	case lifecycle.HookStarted:
		return event.Title + ": Running"
	case lifecycle.HookProgress:
		return progressLine(event)
	case lifecycle.HookSkipped:
		return event.Title + ": Skipped"
	}
	return fmt.Sprintf("%s: %s after %s", event.Title, event.Summary, seconds(event.ElapsedMS))
}

// progressLine is empty for news that says nothing to people, such as that another attempt runs well.
func progressLine(event lifecycle.Event) string {
	if news := words.Join(": ", event.Reason, event.Message); news != "" {
		return event.Title + ": " + news
	}
	return ""
}

// objectLine is what kubectl prints for an object: deployment.apps/web created. What failed is part of the error.
func objectLine(event lifecycle.Event) string {
	if event.Result == lifecycle.ResultFailed {
		return ""
	}
	return words.Join(": ", objectName(event)+" "+string(event.Result), event.Message)
}

func objectName(event lifecycle.Event) string {
	object := event.Object
	return named(corev1.ObjectReference{
		APIVersion: schema.GroupVersion{Group: object.Group, Version: object.Version}.String(),
		Kind:       object.Kind, Namespace: object.Namespace, Name: object.Name,
	}, event.Namespace)
}

// named names an object as kubectl does, and where it is, unless that is the namespace of the release or no namespace:
// deployment.apps/web, or deployment.apps/coredns in namespace kube-system.
func named(ref corev1.ObjectReference, home string) string {
	name := strings.ToLower(ref.Kind)
	if group := ref.GroupVersionKind().Group; group != "" {
		name += "." + group
	}
	name += "/" + ref.Name
	if ref.Namespace != "" && ref.Namespace != home {
		name += " in namespace " + ref.Namespace
	}
	return name
}
