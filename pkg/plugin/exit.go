package plugin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// The exit codes.
const (
	exitDone     = 0
	exitOther    = 1
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

// exitCode tells scripts what kind of failure it was.
func exitCode(ctx context.Context, err error) int {
	var interrupt Interrupt
	var failed *lifecycle.HookError
	switch {
	case err == nil:
		return exitDone
	case errors.As(context.Cause(ctx), &interrupt):
		return interrupt.ExitCode()
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
		{exitFile, is[*pack.FileError](err) || is[configError](err) && errors.Is(err, fs.ErrNotExist)},
		{exitTemplate, is[*render.Error](err) || is[*manifest.Error](err)},
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
	return errors.As(err, &answer) || errors.Is(err, storage.ErrConflict) || is[*storage.LockedError](err) || is[configError](err) ||
		is[*url.Error](err) || is[*lifecycle.ForeignError](err) ||
		is[*refusal.ConflictError](err) || is[*refusal.ImmutableError](err) || is[*refusal.NotServedError](err)
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
	var failed *lifecycle.HookError
	var foreign *lifecycle.ForeignError
	var config configError
	rights := adviceOnRights(err)
	switch {
	case rights != "":
		return rights
	case errors.As(err, &failed) && failed.Kept:
		return fmt.Sprintf("To see more: kubectl describe -n %s %s/%s", failed.Hook.Namespace, strings.ToLower(failed.Hook.Kind), failed.Hook.Name)
	case missingNamespace(err):
		return "To create the namespace of the release, use --create-namespace. Any other must be there, or be in the pack."
	case is[*refusal.ConflictError](err):
		return "To take these fields over from their managers, use --force-conflicts."
	case is[*lifecycle.AdoptedError](err):
		return "What is deleted could not be given back. Adopt the object first, with these fields as they are, or delete it yourself."
	case is[*refusal.ImmutableError](err):
		return adviceOnImmutable(err)
	case errors.As(err, &foreign) && foreign.Hook != "":
		return "It was left alone: --take-ownership does not delete what belongs to others. Delete it yourself, or rename the hook."
	case is[*lifecycle.ForeignError](err):
		return "It was left alone. To take over what belongs to others, use --take-ownership."
	case errors.Is(err, storage.ErrLockLost):
		return "This command has stopped and writes nothing more. To see how the release stands, use kubectl sherpack status."
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

// missingNamespace reports whether something was refused because its namespace does not exist.
func missingNamespace(err error) bool {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) || !apierrors.IsNotFound(err) {
		return false
	}
	details := answer.Status().Details
	return details != nil && details.Kind == "namespaces"
}
