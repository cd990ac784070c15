package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	t.Run("each error has one", exitCodeOfErrors)
	t.Run("without a configuration", exitCodeWithoutConfiguration)
	t.Run("of an interrupt", exitCodeOfInterrupt)
}

func exitCodeOfErrors(t *testing.T) {
	t.Parallel()
	forbidden := apierrors.NewForbidden(secretsResource(), "a", errors.New("no"))
	unreachable := &url.Error{Op: "Get", URL: "https://example.com", Err: errors.New("connection refused")}
	for title, test := range map[string]struct {
		err  error
		want int
	}{
		"none":                                  {want: 0},
		"one of no kind":                        {err: errors.New("x"), want: 1},
		"a release that is not there":           {err: storage.ErrNotFound, want: 1},
		"a damaged record":                      {err: storage.ErrDamaged, want: 1},
		"a record of a newer version":           {err: storage.ErrNewerFormat, want: 1},
		"a command line":                        {err: &UsageError{"kubectl sherpack", errors.New("x")}, want: 2},
		"a flag's value":                        {err: inputError{errors.New("x")}, want: 2},
		"values":                                {err: &pack.InvalidError{Problems: []pack.Problem{{Message: "x"}}}, want: 2},
		"an annotation of a hook":               {err: &hook.Error{}, want: 2},
		"an object that can never work":         {err: &plan.InputError{Object: manifest.Object{Unstructured: &unstructured.Unstructured{}}}, want: 2},
		"a field that the server does not know": {err: &refusal.InvalidFieldsError{}, want: 2},
		"tests of which none is chosen":         {err: &plan.NoTestChosenError{}, want: 2},
		"a template":                            {err: &render.Error{}, want: 3},
		"a template that makes no YAML":         {err: &manifest.Error{}, want: 3},
		"a file":                                {err: &pack.FileError{}, want: 4},
		"an answer of the server":               {err: forbidden, want: 5},
		"no server":                             {err: unreachable, want: 5},
		"a record that another run has changed": {err: storage.ErrConflict, want: 5},
		"an object of somebody else":            {err: &lifecycle.ForeignError{}, want: 5},
		"fields of somebody else":               {err: &refusal.ConflictError{}, want: 5},
		"a field that cannot change":            {err: &refusal.ImmutableError{}, want: 5},
		"a kind that is not served":             {err: &refusal.NotServedError{}, want: 5},
		"a hook":                                {err: &lifecycle.HookError{}, want: 6},
		"a hook that the server refuses":        {err: &lifecycle.HookError{Err: forbidden}, want: 5},
		"a hook out of time":                    {err: &lifecycle.HookError{Err: lifecycle.ErrTimedOut}, want: 7},
		"the time is over":                      {err: lifecycle.ErrTimedOut, want: 7},
		"the time is over, and what is unready": {err: fmt.Errorf("%w: %w", lifecycle.ErrTimedOut, &kube.NotReadyError{}), want: 7},
		"a Deployment that makes no progress":   {err: fmt.Errorf("waiting: %w", kube.ErrProgressDeadline), want: 7},
		"differences":                           {err: errDiffers, want: 1},
		"a failure of diff":                     {err: diffError{storage.ErrNotFound}, want: 2},
		"differences that cannot be printed":    {err: (&answer{failed: io.ErrShortWrite}).Complete(errDiffers), want: 2},
		"a failure of diff that has a code":     {err: diffError{forbidden}, want: 5},
		"two, of which one is input":            {err: errors.Join(&render.Error{}, &hook.Error{}), want: 2},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if got := exitCode(t.Context(), test.err); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
			if test.err == nil {
				return
			}
			wrapped := fmt.Errorf("install shop: %w", errors.Join(errors.New("first"), test.err))
			if got := exitCode(t.Context(), wrapped); got != test.want {
				t.Errorf("wrapped %d, want %d", got, test.want)
			}
		})
	}
}

func secretsResource() schema.GroupResource { return schema.GroupResource{Resource: "secrets"} }

func exitCodeWithoutConfiguration(t *testing.T) {
	t.Parallel()
	none := clientcmd.NewDefaultClientConfig(*clientcmdapi.NewConfig(), &clientcmd.ConfigOverrides{})
	_, err := none.ClientConfig()
	if got := exitCode(t.Context(), configError{err}); got != exitCluster {
		t.Errorf("%d for %v", got, err)
	}
}

func exitCodeOfInterrupt(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		cause error
		err   error
		want  int
	}{
		"Ctrl-C":                          {cause: Interrupt{Signal: 2}, err: lifecycle.ErrInterrupted, want: 130},
		"Ctrl-C, and a hook failed of it": {cause: Interrupt{Signal: 2}, err: &lifecycle.HookError{Err: lifecycle.ErrInterrupted}, want: 130},
		"SIGTERM":                         {cause: Interrupt{Signal: 15}, err: lifecycle.ErrInterrupted, want: 143},
		"too late to change anything":     {cause: Interrupt{Signal: 2}, want: 0},
		"another cause":                   {cause: errors.New("x"), err: &lifecycle.HookError{}, want: 6},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(test.cause)
			if got := exitCode(ctx, test.err); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	t.Run("errors are shown with advice and log", errorsAreShownWithAdviceAndLog)
	t.Run("a long error is cut off", aLongErrorIsCutOff)
}

func errorsAreShownWithAdviceAndLog(t *testing.T) {
	t.Parallel()
	hookError := func(kept bool) error {
		failed := release.Hook{Title: "pre-install/migrate", Kind: "Job", Namespace: "web", Name: "shop-migrate", Message: "exited", Container: "c", LogTail: "a\x1b[2J\n"}
		return fmt.Errorf("install shop: %w", &lifecycle.HookError{Hook: failed, Kept: kept})
	}
	namespace := apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "web")
	for title, test := range map[string]struct {
		err  error
		want []string
	}{
		"nothing to advise": {err: fmt.Errorf("reading %s", "x\n"), want: []string{"error: reading x"}},
		"what a terminal would obey": {
			err: errors.New("a\x1b]0;b\a\r"), want: []string{"error: a�]0;b��"},
		},
		"a hook whose object is still there": {err: hookError(true), want: []string{
			"error: install shop: hook pre-install/migrate failed: exited", `last lines of the log of container "c":`, "  | a�[2J",
			"To see more: kubectl describe -n web job/shop-migrate",
		}},
		"a hook whose object is gone": {err: hookError(false), want: []string{
			"error: install shop: hook pre-install/migrate failed: exited", `last lines of the log of container "c":`, "  | a�[2J",
		}},
		"a hook whose object the undo has removed": {err: &RunError{Failure: hookError(true), Outcome: "It was removed.", HookGone: true}, want: []string{
			"error: install shop: hook pre-install/migrate failed: exited", `last lines of the log of container "c":`, "  | a�[2J", "It was removed.",
		}},
		"a hook whose object the undo has left": {err: &RunError{Failure: hookError(true), Outcome: "It was not removed."}, want: []string{
			"error: install shop: hook pre-install/migrate failed: exited", `last lines of the log of container "c":`, "  | a�[2J", "It was not removed.",
			"To see more: kubectl describe -n web job/shop-migrate",
		}},
		"a namespace that is not there": {err: namespace, want: []string{
			`error: namespaces "web" not found`, "To create the namespace of the release, use --create-namespace. Other namespaces must exist or be part of the pack.",
		}},
		"another object that is not there": {
			err: apierrors.NewNotFound(secretsResource(), "a"), want: []string{`error: secrets "a" not found`},
		},
		"fields of somebody else": {
			err: &refusal.ConflictError{Ref: corev1.ObjectReference{Kind: "ConfigMap", Name: "a"}, Conflicts: []refusal.FieldConflict{{Manager: "kubectl", Field: ".data.a"}}},
			want: []string{
				`error: applying ConfigMap/a: conflict: .data.a is managed by "kubectl"`,
				"To take these fields over from their managers, use --force-conflicts.",
			},
		},
		"a command line": {err: &UsageError{"kubectl sherpack install", errors.New("unknown flag: --x")}, want: []string{
			"error: unknown flag: --x", "See 'kubectl sherpack install --help' for usage.",
		}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, strings.Split(explain(test.err), "\n")); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func aLongErrorIsCutOff(t *testing.T) {
	t.Parallel()
	var mistakes []error
	for i := range 100_000 {
		mistakes = append(mistakes, fmt.Errorf("mistake %d", i))
	}
	got := explain(errors.Join(mistakes...))
	if len(got) > maxShown+100 || !strings.HasPrefix(got, "error: mistake 0\nmistake 1\n") {
		t.Errorf("%d bytes, which begin with %.100q", len(got), got)
	}
	if !regexp.MustCompile(`\nmistake \d+\n… and \d+ more bytes in \d+ more lines$`).MatchString(got) {
		t.Errorf("it ends with %q", got[max(0, len(got)-100):])
	}
	if short := "error: short"; explain(errors.New("short")) != short {
		t.Errorf("a short error is changed")
	}
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	t.Run("it says what to do next", adviceSaysWhatToDoNext)
	t.Run("on what cannot be changed in place", adviceOnImmutableObjects)
	t.Run("on rights", adviceOnMissingRights)
}

func adviceSaysWhatToDoNext(t *testing.T) {
	t.Parallel()
	for word, err := range map[string]error{
		"--take-ownership": &lifecycle.ForeignError{Owner: "release web/other"},
		"newer":            fmt.Errorf("reading: %w", storage.ErrNewerFormat),
		"--kubeconfig":     configError{clientcmd.ErrEmptyConfig},
	} {
		if got := advice(err); !strings.Contains(got, word) {
			t.Errorf("the advice for %v is %q, without %q", err, got, word)
		}
	}
}

func adviceOnImmutableObjects(t *testing.T) {
	t.Parallel()
	immutable := func(apiVersion, kind string) error {
		return fmt.Errorf("apply: %w", &refusal.ImmutableError{Ref: corev1.ObjectReference{APIVersion: apiVersion, Kind: kind, Name: "a"}})
	}
	const flag, annotation = "--recreate-immutable", "sherpack.io/on-immutable: recreate"
	for title, test := range map[string]struct {
		err  error
		flag bool
		says string
	}{
		"a Job":                     {err: immutable("batch/v1", "Job"), flag: true, says: annotation},
		"a claim":                   {err: immutable("v1", "PersistentVolumeClaim"), says: "Deleting a PersistentVolumeClaim deletes all that it holds"},
		"a Namespace":               {err: immutable("v1", "Namespace"), says: "Deleting a Namespace deletes all that it holds"},
		"a definition":              {err: immutable("apiextensions.k8s.io/v1", "CustomResourceDefinition"), says: annotation},
		"another kind of that name": {err: immutable("example.com/v1", "Namespace"), flag: true, says: annotation},
		"several, of both sorts": {
			err:  &lifecycle.PreflightError{Problems: []error{immutable("v1", "PersistentVolumeClaim"), errors.Join(immutable("v1", "Service"))}},
			flag: true, says: "Deleting a PersistentVolumeClaim deletes all that it holds",
		},
	} {
		got := advice(test.err)
		if strings.Contains(got, flag) != test.flag || !strings.Contains(got, test.says) || !strings.Contains(got, annotation) {
			t.Errorf("%s: %s", title, got)
		}
	}
}

func adviceOnMissingRights(t *testing.T) {
	t.Parallel()
	refuse := func(reason string) error {
		return fmt.Errorf("apply x: %w", apierrors.NewForbidden(schema.GroupResource{Resource: "x"}, "a", errors.New(reason)))
	}
	const (
		patch   = `User "ann" cannot patch resource "deployments" in API group "apps" in the namespace "web"`
		list    = `User "ann" cannot list resource "secrets" in API group "" in the namespace "web"`
		inLog   = `Error from server (Forbidden): pods is forbidden: User "job" cannot list resource "pods" in API group "" in the namespace "web"`
		seePage = ": see " + rightsPage
	)
	for title, test := range map[string]struct {
		err  error
		want string
	}{
		"one right":  {err: refuse(patch), want: "Ask for the right to patch deployments.apps in namespace web" + seePage},
		"two rights": {err: errors.Join(refuse(list), errors.New("x"), refuse(patch)), want: "Ask for the rights to list secrets in namespace web, patch deployments.apps in namespace web" + seePage},
		"the same right twice": {
			err: errors.Join(refuse(list), refuse(list)), want: "Ask for the right to list secrets in namespace web" + seePage,
		},
		"a right in all namespaces": {
			err:  refuse(`User "ann" cannot list resource "secrets" in API group "" at the cluster scope`),
			want: "Ask for the right to list secrets" + seePage,
		},
		"a path": {
			err: refuse(`User "ann" cannot get path "/version"`), want: "Ask for the right to get /version" + seePage,
		},
		"namespaces": {
			err:  refuse(`User "ann" cannot create resource "namespaces" in API group "" at the cluster scope`),
			want: "If the namespace exists, run without --create-namespace, else ask for the right to create namespaces" + seePage,
		},
		"rights that cannot be given": {
			err:  refuse(`user "ann" (groups=["a"]) is attempting to grant RBAC permissions not currently held:` + "\n{APIGroups:[\"\"]}"),
			want: "To apply a Role or a binding to it, you need all permissions in it, or the verbs escalate and bind on roles" + seePage,
		},
		"a hook that may not be applied": {
			err: &lifecycle.HookError{Err: refuse(patch)}, want: "Ask for the right to patch deployments.apps in namespace web" + seePage,
		},
		"a hook that itself lacks a right": {err: &lifecycle.HookError{Hook: release.Hook{LogTail: inLog}}},
		"a quota":                          {err: refuse("exceeded quota: none, requested: count/pods=1")},
		"another answer of the server":     {err: apierrors.NewBadRequest(patch)},
		"an error that only sounds so":     {err: errors.New(patch)},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if got := advice(test.err); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
