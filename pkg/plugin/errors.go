package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// The exit codes.
const (
	exitDone    = 0
	exitDiffers = 1
	// exitOther is what is not named here. For diff that is exitTrouble.
	exitOther    = 1
	exitTrouble  = 2
	exitInput    = 2
	exitTemplate = 3
	exitFile     = 4
	exitCluster  = 5
	exitHook     = 6
	exitTimeout  = 7
)

// Interrupt is why a context was cancelled: the user, or the system, asked the program to end.
type Interrupt struct {
	// Signal is the number of the signal: 2 for Ctrl-C, 15 for SIGTERM.
	Signal int
}

// Error says that the program was asked to end.
func (Interrupt) Error() string { return "interrupted" }

// ExitCode is 128 and the number of the signal, as shells have it.
func (i Interrupt) ExitCode() int {
	const signalled = 128
	return signalled + i.Signal
}

// UsageError is a command line that cannot be understood.
type UsageError struct {
	command string
	err     error
}

// Error returns the message with where to look for help.
func (e *UsageError) Error() string {
	return fmt.Sprintf("%v\nSee '%s --help' for usage.", e.err, e.command)
}

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.err }

// inputError is input that is refused for what it says, outside of any file.
type inputError struct{ error }

// fileError is a file that is no pack's and cannot be read or written.
type fileError struct{ error }

// Unwrap returns the cause.
func (e fileError) Unwrap() error { return e.error }

// configError is a kubeconfig that cannot be used.
type configError struct{ error }

// Unwrap returns the cause.
func (e configError) Unwrap() error { return e.error }

// damageError is a record that cannot be read where it is needed, and what to do about it.
type damageError struct {
	error
	advice string
}

// Unwrap returns the cause.
func (e damageError) Unwrap() error { return e.error }

// errDiffers is how diff ends when it has found differences. There is nothing to say about it.
var errDiffers = errors.New("there are differences")

// diffError is a failure of diff, which must not look like a difference.
type diffError struct{ error }

// Unwrap returns the cause.
func (e diffError) Unwrap() error { return e.error }

// exitCode tells scripts what kind of failure it was.
func exitCode(ctx context.Context, err error) int {
	var interrupt Interrupt
	var failed *lifecycle.HookError
	switch {
	case err == nil:
		return exitDone
	case errors.As(context.Cause(ctx), &interrupt):
		return interrupt.ExitCode()
	case errors.Is(err, errDiffers):
		return exitDiffers
	case errors.Is(err, storage.ErrLockLost):
		return exitCluster
	case errors.Is(err, lifecycle.ErrTimedOut), errors.Is(err, kube.ErrProgressDeadline):
		return exitTimeout
	}
	for _, kind := range []struct {
		code  int
		match bool
	}{
		{exitInput, is[*UsageError](err) || is[inputError](err) || is[*pack.InvalidError](err) || is[*hook.Error](err)},
		{exitInput, is[*plan.InputError](err) || is[*plan.UnknownTestError](err) || is[*plan.NoTestChosenError](err) || is[*refusal.InvalidFieldsError](err)},
		{exitHook, errors.As(err, &failed) && failed.Err == nil},
		{exitCluster, fromCluster(err)},
		{exitHook, failed != nil},
		{exitFile, is[*pack.FileError](err) || is[fileError](err) || is[configError](err) && errors.Is(err, fs.ErrNotExist)},
		{exitTemplate, is[*render.Error](err) || is[*manifest.Error](err)},
		// A request whose time was over before it was sent says nothing else; all other limits are told apart above.
		{exitCluster, errors.Is(err, context.DeadlineExceeded)},
		{exitTrouble, is[diffError](err)},
	} {
		if kind.match {
			return kind.code
		}
	}
	return exitOther
}

// is reports whether the chain of an error holds one of a type.
func is[T error](err error) bool {
	var found T
	return errors.As(err, &found)
}

// fromCluster reports whether the cluster refused something or could not be reached.
func fromCluster(err error) bool {
	var answer apierrors.APIStatus
	return errors.As(err, &answer) || errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrHelmAtWork) || is[*storage.LockedError](err) || is[configError](err) ||
		is[*url.Error](err) || is[*lifecycle.ForeignError](err) || is[*lifecycle.NotHelmsError](err) ||
		is[*refusal.ConflictError](err) || is[*refusal.ImmutableError](err) || is[*refusal.NotServedError](err)
}

// missingNamespace reports whether something was refused because its namespace does not exist.
func missingNamespace(err error) bool {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) || !apierrors.IsNotFound(err) {
		return false
	}
	details := answer.Status().Details
	return details != nil && details.Kind == "namespaces"
}

// end says why a command has failed, where it has, and returns the exit code.
func end(ctx context.Context, out io.Writer, err error) int {
	if err != nil && !errors.Is(err, errDiffers) {
		report(out, lifecycle.WithCause(ctx, err), exitCode(ctx, err))
	}
	return exitCode(ctx, err)
}

// report writes why the program ends, with what to do next where that is known.
func report(out io.Writer, err error, code int) {
	if lines, ok := out.(*progress.JSONLines); ok {
		_ = lines.Fail(explanation(err), code)
		return
	}
	_, _ = fmt.Fprintln(out, explain(err))
}

// explain is the message for a person.
func explain(err error) string { return "error: " + explanation(err) }

// explanation says what happened, and what to do next where that is known.
func explanation(err error) string {
	text := printers.Clean(shortened(err.Error()))
	if next := advice(err); next != "" {
		text += "\n" + next
	}
	return strings.TrimRight(text, "\n")
}

// maxShown is how many bytes of an error are shown.
const maxShown = 32 << 10

// shortened cuts a text off that nobody would read to its end: a file may have a million mistakes.
func shortened(text string) string {
	if len(text) <= maxShown {
		return text
	}
	end := maxShown
	if at := strings.LastIndexByte(text[:maxShown], '\n'); at > 0 {
		end = at
	}
	left := strings.Count(text[end:], "\n")
	return fmt.Sprintf("%s\n… and %d more bytes in %d more lines", strings.ToValidUTF8(text[:end], ""), len(text)-end, left)
}

func advice(err error) string {
	var foreign *lifecycle.ForeignError
	var config configError
	rights, kept := adviceOnRights(err), keptHook(err)
	var advised interface{ Advice() string }
	switch {
	case rights != "":
		return rights
	case kept != nil:
		return fmt.Sprintf("To see more: kubectl describe -n %s %s/%s", kept.Namespace, strings.ToLower(kept.Kind), kept.Name)
	case missingNamespace(err):
		return "To create the namespace of the release, use --create-namespace. Other namespaces must exist or be part of the pack."
	case errors.As(err, &advised):
		return advised.Advice()
	case is[*refusal.ConflictError](err):
		return "To take these fields over from their managers, use --force-conflicts."
	case is[*lifecycle.AdoptedError](err):
		return "A deleted object cannot be given back. Adopt it first without changing these fields, or delete it yourself."
	case is[*refusal.ImmutableError](err):
		return adviceOnImmutable(err)
	case errors.As(err, &foreign) && foreign.Hook != "":
		return "--take-ownership does not delete objects of others. Delete it yourself, or rename the hook."
	case slices.ContainsFunc(all[*lifecycle.ForeignError](err), isHelms):
		return "To take the release over from Helm, without changing what runs, use kubectl sherpack adopt NAME --from-helm. To adopt single objects, use --take-ownership."
	case is[*lifecycle.ForeignError](err):
		return "To adopt it, use --take-ownership."
	case errors.Is(err, storage.ErrLockLost):
		return "This command has stopped and writes nothing more. To see its state, use kubectl sherpack status."
	case is[*storage.LockedError](err):
		return "To wait for it, use --lock-timeout."
	case errors.Is(err, storage.ErrDamaged):
		return adviceOnDamage(err)
	case errors.Is(err, storage.ErrNewerFormat):
		return "Use that version or a newer one of kubectl-sherpack."
	case errors.As(err, &config) && clientcmd.IsEmptyConfig(config.error):
		return "Name a cluster with --kubeconfig, --context or the environment variable KUBECONFIG."
	}
	return ""
}

// isHelms reports whether an object belongs to a release of Helm's.
func isHelms(foreign *lifecycle.ForeignError) bool {
	return strings.HasPrefix(foreign.Owner, plan.HelmOwner)
}

// keptHook returns the hook that failed, where its object is still on the cluster and the undo has not removed it; else nil.
func keptHook(err error) *release.Hook {
	var failed *lifecycle.HookError
	var undone *RunError
	if !errors.As(err, &failed) || !failed.Kept || errors.As(err, &undone) && undone.HookGone {
		return nil
	}
	return &failed.Hook
}

func adviceOnDamage(err error) string {
	var damaged damageError
	var unlisted *storage.UnlistedError
	switch {
	case errors.As(err, &damaged):
		return damaged.advice
	case errors.As(err, &unlisted):
		var labels string
		for _, key := range slices.Sorted(maps.Keys(unlisted.Labels)) {
			label := key + "=" + unlisted.Labels[key]
			if unlisted.Labels[key] == "" {
				label = key + "-"
			}
			labels += " " + label
		}
		return fmt.Sprintf("To put its labels back: kubectl label secret -n %s %s --overwrite%s", unlisted.Namespace, unlisted.Secret, labels)
	}
	return "To continue, upgrade, or roll back to a revision that can be read; to uninstall, use --no-hooks."
}

// adviceOnImmutable says how objects that cannot be changed in place may be recreated; "" where the error is about none. With
// some kinds what they hold would be deleted: these must say so themselves.
func adviceOnImmutable(err error) string {
	const annotation = hook.OnImmutableAnnotation + ": recreate"
	holds, others := "", false
	for _, immutable := range all[*refusal.ImmutableError](err) {
		kind := schema.FromAPIVersionAndKind(immutable.Ref.APIVersion, immutable.Ref.Kind).GroupKind()
		if kinds.Irreplaceable(kind) {
			holds = immutable.Ref.Kind
		} else {
			others = true
		}
	}
	advice := ""
	if others {
		advice = "To delete and recreate immutable objects, use --recreate-immutable, or set the annotation " +
			annotation + " on the object."
	}
	if holds != "" && others {
		advice += "\n"
	}
	if holds != "" {
		advice += "Deleting a " + holds + " deletes all that it holds. If that is what you want, set the annotation " + annotation + " on the object."
	}
	return advice
}

// all returns every error of a type that an error is made of, in order; nil for none.
func all[T error](err error) []T {
	var found []T
	if match, ok := any(err).(T); ok {
		found = append(found, match)
	}
	switch wraps := any(err).(type) {
	case interface{ Unwrap() error }:
		if inner := wraps.Unwrap(); inner != nil {
			found = append(found, all[T](inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wraps.Unwrap() {
			found = append(found, all[T](inner)...)
		}
	}
	return found
}

// rightsPage says which rights are needed, and for what.
const rightsPage = "https://github.com/sherpack-io/kubectl-sherpack/blob/main/docs/rbac.md"

// missingRight matches how the API server names a right that is missing; its answers have the verb nowhere else.
var missingRight = regexp.MustCompile(`cannot (\S+) (?:path "([^"]+)"|resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?)`)

// escalation is what the API server says when a Role, or a binding to one, would give what its author does not have.
const escalation = "attempting to grant RBAC permissions not currently held"

// adviceOnRights says how to get on where the cluster has forbidden something for the lack of a right; else nothing. What
// is forbidden for other reasons, such as a quota, says itself what to do.
func adviceOnRights(err error) string {
	var lacked []string
	for _, answer := range refusals(err) {
		if strings.Contains(answer, escalation) {
			return "To apply a Role or a binding to it, you need all permissions in it, or the verbs escalate and bind on roles: see " + rightsPage
		}
		for _, match := range missingRight.FindAllStringSubmatch(answer, -1) {
			if right := rightOf(match); !slices.Contains(lacked, right) {
				lacked = append(lacked, right)
			}
		}
	}
	switch {
	case len(lacked) == 0:
		return ""
	case lacked[0] == "create namespaces":
		return "If the namespace exists, run without --create-namespace, else ask for the right to " + lacked[0] + ": see " + rightsPage
	case len(lacked) == 1:
		return "Ask for the right to " + lacked[0] + ": see " + rightsPage
	}
	return "Ask for the rights to " + strings.Join(lacked, ", ") + ": see " + rightsPage
}

// rightOf words what missingRight has found: patch deployments.apps in namespace web, or get /version.
func rightOf(match []string) string {
	verb, path, resource, group, namespace := match[1], match[2], match[3], match[4], match[5]
	right := verb + " " + path + schema.GroupResource{Group: group, Resource: resource}.String()
	if namespace != "" {
		right += " in namespace " + namespace
	}
	return printers.Clean(right)
}

// refusals are the API server's answers in the tree of an error that say that something is forbidden. The words of the tree
// itself are not looked at: the log of a hook may be among them, which has rights of its own.
func refusals(err error) []string {
	switch err := err.(type) { //nolint:errorlint // This is the walk through the tree.
	case apierrors.APIStatus:
		if err.Status().Reason == metav1.StatusReasonForbidden {
			return []string{err.Status().Message}
		}
	case interface{ Unwrap() error }:
		return refusals(err.Unwrap())
	case interface{ Unwrap() []error }:
		var all []string
		for _, one := range err.Unwrap() {
			all = append(all, refusals(one)...)
		}
		return all
	}
	return nil
}
