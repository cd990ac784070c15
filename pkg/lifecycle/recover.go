package lifecycle

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// CloseInterrupted writes into the record of a revision that the command that worked on it was ended before it could say how
// it went. holder is who that was. An uninstallation that had not begun to delete anything leaves what was before it.
func CloseInterrupted(r *release.Release, holder string, now time.Time) {
	message := interruptedDuring(r) + ": " + holder
	r.Status.Interrupted = r.Status.Operation
	finished := metav1.NewTime(now.UTC().Truncate(time.Second))
	if release.IsOpen(r.Status.Hooks, string(hook.PreDelete)) && r.Status.Restore() {
		r.Status.Message, r.Status.Cause = stillThere(r.Status.Message, message), ""
	} else {
		r.Status.Phase, r.Status.Before, r.Status.FinishedAt = release.Failed, nil, &finished
		r.Status.Message, r.Status.Cause = message, interruptedDuring(r)
	}
	closeInterrupted(r.Status.Hooks, message)
	r.SetCondition(finished)
}

// stillThere adds to what is said of a release why it was not uninstalled: a hook failed before anything was deleted.
func stillThere(message, reason string) string {
	message, _, _ = strings.Cut(message, notUninstalled)
	if message = strings.TrimSuffix(message, "; "); message != "" {
		message += "; "
	}
	return message + notUninstalled + reason
}

// notUninstalled comes before the reason why a release is still there.
const notUninstalled = "not uninstalled: "

// interruptedDuring says what was cut short.
func interruptedDuring(r *release.Release) string {
	return "interrupted during " + string(r.Status.Operation)
}

// ShowInterrupted has a revision that is pending show that nobody works on it any more, without closing it: holder is who
// did. It keeps its phase, which is the next command's to change.
func ShowInterrupted(r *release.Release, holder string) {
	r.Status.Interrupted = r.Status.Operation
	r.Status.Message, r.Status.Cause = interruptedDuring(r)+": "+holder, interruptedDuring(r)
	closeInterrupted(r.Status.Hooks, r.Status.Message)
	for i := range r.Status.Conditions {
		r.Status.Conditions[i].Message = r.Status.Message
	}
}

// closeInterrupted writes into the records of hooks that nobody follows them any more.
func closeInterrupted(hooks []release.Hook, message string) {
	for i := range hooks {
		record := &hooks[i]
		switch record.State {
		case release.HookRunning:
			// Nobody has seen its end, which is why it has no time.
			record.State, record.Reason = release.HookFailed, release.ReasonInterrupted
			record.Message = message
		case release.HookPending:
			record.State, record.Reason = release.HookSkipped, release.ReasonNotReached
		}
	}
}
