package kube

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
)

// HookRun is a hook to run.
type HookRun struct {
	// Object is what is applied, with its namespace; it is not changed.
	Object *unstructured.Unstructured
	// Selector is a label selector for all hook objects of the release, which
	// Object's labels should match. One watch per kind and namespace is opened
	// with it and kept until Close. What an admission webhook has taken the
	// labels from is followed by its name.
	Selector string
	// PodSelector is a label selector for the Pods of all Job hooks of this
	// run. One watch per namespace is opened with it and kept until Close. ""
	// opens none: then Pods are looked at only when a Job fails.
	PodSelector string
	// Ready and Failed say when the hook has succeeded and failed. Without
	// them its kind does: a Job when Complete or Failed, a Pod when Succeeded
	// or Failed; any other kind has succeeded once it is applied.
	Ready, Failed health.Conditions
	// ForceConflicts takes fields that another field manager owns.
	ForceConflicts bool
	// Claims are those of ApplyOptions.
	Claims []string
	// Logs is given every line of the logs of all containers of the hook's Pods, from RunHook's own call; nil reads no logs as they come.
	Logs func(LogLine)
}

// HookProgress is what is worth showing while a hook runs.
type HookProgress struct {
	// Suspended tells that the Job is suspended; it is waited for.
	Suspended bool
	// Attempts counts the Pods and container restarts so far.
	Attempts int
	// Container is the one that Reason is about, or that runs; it may be "".
	Container string
	// Reason is why it waits (ImagePullBackOff, FailedCreate…), or how its
	// last attempt failed (Error, OOMKilled…); "" when all is well.
	Reason string
	// Message says the same in one sentence.
	Message string
	// ExitCode is that of the last failed attempt; nil while there is none.
	ExitCode *int32
}

// HookOutcome is how a hook ended, or how far it was when the time was over.
type HookOutcome struct {
	// Succeeded is false also for a hook whose end is not known.
	Succeeded bool
	// Reason is one word: OOMKilled, ImagePullBackOff, DeadlineExceeded,
	// BackoffLimitExceeded, Deleted, FailedWhen, Error…; "" on success, or
	// when a hook was running well until the time was over.
	Reason string
	// Message is one sentence on the failure; "" on success.
	Message string
	// Container is the one that failed or waits; "" where none is known.
	Container string
	// ExitCode and Signal are of the last failed attempt; nil and 0 when no
	// attempt has ended by itself.
	ExitCode *int32
	Signal   int32
	// Attempts counts Pods and container restarts; 0 for other kinds.
	Attempts int
	// LogTail is what the container that failed said last, or the main one of a hook that has succeeded: at most 20 lines and 4096 bytes
	// of valid UTF-8, control characters included. Where the log cannot be
	// read, or is empty, it is the container's termination message.
	LogTail string
	// LogHint says why the log cannot be read; "" when it was, or need not be.
	// That a right is missing is no hint but a notice.
	LogHint string
	// Applied is the answer to the apply; its Ref has UID and ResourceVersion.
	Applied Applied
}

// WithLogMessages returns a copy of a hook in which each container of a Job's
// or Pod's without a terminationMessagePolicy has FallbackToLogsOnError, so
// that the end of its log is known where logs may not be read. Other kinds are
// returned as they are.
func WithLogMessages(object *unstructured.Unstructured) *unstructured.Unstructured {
	kind := object.GroupVersionKind()
	if !kinds.RunsPods(kind.GroupKind()) {
		return object
	}
	spec := kinds.PodSpec(kind.GroupKind())
	object = object.DeepCopy()
	for _, list := range []string{"initContainers", "containers"} {
		raw, _, _ := unstructured.NestedFieldNoCopy(object.Object, append(spec, list)...)
		containers, _ := raw.([]any)
		for _, entry := range containers {
			container, ok := entry.(map[string]any)
			if ok && container["terminationMessagePolicy"] == nil {
				container["terminationMessagePolicy"] = "FallbackToLogsOnError"
			}
		}
	}
	return object
}
