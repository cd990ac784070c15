package progress

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// textOf is an event as one line of text; "" for one that says nothing to people.
func textOf(event lifecycle.Event) string {
	switch event.Type {
	case lifecycle.HookStarted, lifecycle.HookProgress, lifecycle.HookFinished, lifecycle.HookSkipped:
		return hookLine(event)
	case lifecycle.ObjectApplied, lifecycle.ObjectDeleted, lifecycle.ObjectKept, lifecycle.ObjectGivenBack:
		return objectLine(event)
	case lifecycle.LockWaiting:
		return "waiting for the lock of release " + event.Release + ": held by " + event.Message
	case lifecycle.HookLog:
		return LogPrefix(event.Title, event.Container) + " " + event.Message
	case lifecycle.WaitStarted:
		return "waiting for " + event.Message + " to be ready"
	case lifecycle.DeletionStarted:
		return deletionLine(event)
	case lifecycle.DeletionProgress:
		return words.Join(": ", objectName(event)+" "+deletionState(event), event.Message)
	case lifecycle.WaitProgress:
		return objectName(event) + ": " + waitState(event)
	case lifecycle.PreflightSkipped:
		return objectName(event) + ": not checked by the preflight: " + event.Message
	case lifecycle.Warning:
		return "warning: " + event.Message
	case lifecycle.OperationFinished:
		return doneIn(event)
	}
	return ""
}

// deletionLine says how much is deleted; "" of what is deleted on the way, for hooks.
func deletionLine(event lifecycle.Event) string {
	if event.Phase != "" {
		return ""
	}
	return event.Message
}

// deletionState says how far an object is that is being deleted.
func deletionState(event lifecycle.Event) string {
	if event.Result == lifecycle.ResultDeleted {
		return "deleted"
	}
	return "is being deleted"
}

// waitState says how far an object is that is waited for. Why it is ready nobody asks, and "Waiting" is said once.
func waitState(event lifecycle.Event) string {
	message := event.Message
	if event.Result == lifecycle.ResultReady {
		message = ""
	}
	if strings.HasPrefix(strings.ToLower(message), "waiting ") {
		return message
	}
	return words.Join(": ", string(event.Result), message)
}

// LogPrefix says of which hook a line of a log is, as in [pre-install/migrate], and of which container; "" where it has only one.
func LogPrefix(title, container string) string {
	return "[" + words.Join(" ", title, container) + "]"
}

// doneIn says how long an operation took that has succeeded; "" of one that has failed, which is told as an error.
func doneIn(event lifecycle.Event) string {
	done := map[release.Operation]string{
		release.OperationInstall: "installed", release.OperationUpgrade: "upgraded", release.OperationRollback: "rolled back",
		release.OperationUninstall: "uninstalled", release.OperationTest: "tested", release.OperationUndo: "rolled back",
	}
	if event.Result != lifecycle.ResultSucceeded {
		return ""
	}
	return done[event.Operation] + " in " + words.Duration(elapsed(event))
}

func hookLine(event lifecycle.Event) string {
	switch event.Type {
	case lifecycle.HookStarted:
		return event.Title + ": Running" + ofMany(event)
	case lifecycle.HookProgress:
		return progressLine(event)
	case lifecycle.HookSkipped:
		return event.Title + ": Skipped"
	}
	return fmt.Sprintf("%s: %s after %s", event.Title, event.Summary, words.Duration(elapsed(event)))
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
	earlier := ""
	if event.Reason == lifecycle.EarlierRun {
		earlier = "(earlier run)"
	}
	return words.Join(": ", words.Join(" ", objectName(event), earlier, string(event.Result)), event.Message)
}

// objectName names the object that an event is about as kubectl does.
func objectName(event lifecycle.Event) string {
	object := event.Object
	return printers.Named(corev1.ObjectReference{
		APIVersion: schema.GroupVersion{Group: object.Group, Version: object.Version}.String(),
		Kind:       object.Kind, Namespace: object.Namespace, Name: object.Name,
	}, event.Namespace)
}

// ofMany says which hook of its phase it is, where there are more.
func ofMany(event lifecycle.Event) string {
	if event.Count < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d of %d)", event.Index, event.Count)
}

// elapsed is how long it took that an event tells the end of; of the start of an operation, how long the operation took until then.
func elapsed(event lifecycle.Event) time.Duration {
	return time.Duration(event.ElapsedMS) * time.Millisecond
}
