package release_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestHook(t *testing.T) {
	t.Parallel()
	t.Run("it is found by all of its name", hookIsFoundByAllOfItsName)
}

func hookIsFoundByAllOfItsName(t *testing.T) {
	t.Parallel()
	status := &release.Status{Hooks: []release.Hook{
		{Phase: "pre-install", Kind: "Job", Namespace: "web", Name: "migrate", Weight: 1},
		{Phase: "pre-upgrade", Kind: "Job", Namespace: "web", Name: "migrate", Weight: 2},
		{Phase: "pre-install", Kind: "Pod", Namespace: "web", Name: "migrate", Weight: 3},
		{Phase: "pre-install", Kind: "Job", Namespace: "db", Name: "migrate", Weight: 4},
		{Phase: "pre-install", Kind: "Job", Namespace: "web", Name: "seed", Weight: 5},
		{Phase: "pre-install", APIVersion: "batch.example.com/v1", Kind: "Job", Namespace: "web", Name: "seed", Weight: 6},
	}}
	for i := range status.Hooks {
		want := &status.Hooks[i]
		if got := status.Hook(want.Phase, reference(want)); got != want {
			t.Errorf("looking for %+v finds %+v", want, got)
		}
	}
	status.Hook("pre-install", reference(&release.Hook{Kind: "Pod", Namespace: "web", Name: "migrate"})).State = release.HookRunning
	if status.Hooks[2].State != release.HookRunning {
		t.Error("a change of what is found does not change the status")
	}
	if got := status.Hook("post-install", reference(&release.Hook{Kind: "Job", Namespace: "web", Name: "migrate"})); got != nil {
		t.Errorf("a hook that is not there is %+v", got)
	}
}

func reference(h *release.Hook) corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: h.APIVersion, Kind: h.Kind, Namespace: h.Namespace, Name: h.Name}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		hook release.Hook
		want string
	}{
		"one to come":                          {hook: release.Hook{State: release.HookPending}, want: "Pending"},
		"one that runs":                        {hook: release.Hook{State: release.HookRunning}, want: "Running"},
		"one that runs again":                  {hook: release.Hook{State: release.HookRunning, ExitCode: ptr.To[int32](1), Reason: "Error"}, want: "Running"},
		"success":                              {hook: release.Hook{State: release.HookSucceeded}, want: "Succeeded"},
		"success after an attempt that failed": {hook: release.Hook{State: release.HookSucceeded, ExitCode: ptr.To[int32](0)}, want: "Succeeded"},
		"an exit code":                         {hook: release.Hook{State: release.HookFailed, ExitCode: ptr.To[int32](1)}, want: "Failed (exit code 1)"},
		"an exit code, and Kubernetes' word for it": {hook: release.Hook{State: release.HookFailed, ExitCode: ptr.To[int32](3), Reason: "Error"}, want: "Failed (exit code 3)"},
		"an exit code after all attempts":           {hook: release.Hook{State: release.HookFailed, ExitCode: ptr.To[int32](3), Reason: "BackoffLimitExceeded"}, want: "Failed (exit code 3)"},
		"out of time, after an attempt that ended":  {hook: release.Hook{State: release.HookFailed, ExitCode: ptr.To[int32](1), Reason: release.ReasonTimedOut}, want: "Failed (exit code 1)"},
		"out of time":                           {hook: release.Hook{State: release.HookFailed, Reason: release.ReasonTimedOut}, want: "Failed (TimedOut)"},
		"out of time, and what it waited for":   {hook: release.Hook{State: release.HookFailed, Reason: "ImagePullBackOff"}, want: "Failed (ImagePullBackOff)"},
		"a reason that says more than its code": {hook: release.Hook{State: release.HookFailed, Reason: "OOMKilled", ExitCode: ptr.To[int32](137)}, want: "Failed (OOMKilled, exit code 137)"},
		"a deadline":                            {hook: release.Hook{State: release.HookFailed, Reason: "DeadlineExceeded", ExitCode: ptr.To[int32](143)}, want: "Failed (DeadlineExceeded, exit code 143)"},
		"a deadline, before any attempt ended":  {hook: release.Hook{State: release.HookFailed, Reason: "DeadlineExceeded"}, want: "Failed (DeadlineExceeded)"},
		"evicted":                               {hook: release.Hook{State: release.HookFailed, Reason: "Evicted", ExitCode: ptr.To[int32](137)}, want: "Failed (Evicted, exit code 137)"},
		"a policy for failed Pods":              {hook: release.Hook{State: release.HookFailed, Reason: "PodFailurePolicy", ExitCode: ptr.To[int32](42)}, want: "Failed (PodFailurePolicy, exit code 42)"},
		"a command that is not there":           {hook: release.Hook{State: release.HookFailed, Reason: "StartError", ExitCode: ptr.To[int32](128)}, want: "Failed (StartError, exit code 128)"},
		"a runtime's own word":                  {hook: release.Hook{State: release.HookFailed, Reason: "containerFailed", ExitCode: ptr.To[int32](3)}, want: "Failed (exit code 3, containerFailed)"},
		"deleted after an attempt":              {hook: release.Hook{State: release.HookFailed, Reason: "Deleted", ExitCode: ptr.To[int32](3)}, want: "Failed (exit code 3, Deleted)"},
		"interrupted after an attempt":          {hook: release.Hook{State: release.HookFailed, Reason: release.ReasonInterrupted, ExitCode: ptr.To[int32](3)}, want: "Failed (exit code 3)"},
		"a signal":                              {hook: release.Hook{State: release.HookFailed, Reason: "Error", ExitCode: ptr.To[int32](0), Signal: 9}, want: "Failed (signal 9)"},
		"an exit code of 0 all the same":        {hook: release.Hook{State: release.HookFailed, ExitCode: ptr.To[int32](0)}, want: "Failed (exit code 0)"},
		"failed, and nothing is known":          {hook: release.Hook{State: release.HookFailed}, want: "Failed"},
		"skipped by the user":                   {hook: release.Hook{State: release.HookSkipped, Reason: release.ReasonNoHooks}, want: "Skipped"},
		"not reached":                           {hook: release.Hook{State: release.HookSkipped, Reason: release.ReasonNotReached}, want: "Skipped (not reached)"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if got := test.hook.Summary(); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
