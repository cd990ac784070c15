package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestWhatCutTheWorkShortIsSaidOnceAndInNoProgrammersWords(t *testing.T) {
	t.Parallel()
	interrupted, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	late, cancelLate := lifecycle.WithTimeout(t.Context(), time.Nanosecond)
	defer cancelLate()
	<-late.Done()
	get := `Get "https://127.0.0.1/api": `
	for title, test := range map[string]struct {
		ctx  context.Context
		err  error
		want string
	}{
		"only that":                  {interrupted, context.Canceled, "interrupted"},
		"only its cause":             {interrupted, context.Cause(interrupted), "interrupted"},
		"what it waited for":         {interrupted, fmt.Errorf("wait for 3 objects: %w", context.Canceled), "interrupted: wait for 3 objects"},
		"a request":                  {interrupted, fmt.Errorf(get+"%w", context.Canceled), "interrupted: " + strings.TrimSuffix(get, ": ")},
		"a note":                     {late, fmt.Errorf("wait for Job/a: %w (watch Jobs: no)", context.DeadlineExceeded), "timed out: wait for Job/a (watch Jobs: no)"},
		"a limit":                    {late, fmt.Errorf("a is being deleted: it has the finalizers b: %w", context.DeadlineExceeded), "timed out: a is being deleted: it has the finalizers b"},
		"its cause, at the end":      {late, fmt.Errorf("a is being deleted: %w", context.Cause(late)), "a is being deleted: timed out"},
		"twice":                      {late, lifecycle.WithCause(late, fmt.Errorf("wait: %w", context.DeadlineExceeded)), "timed out: wait"},
		"something else":             {late, errors.New("no such thing"), "timed out: no such thing"},
		"nothing that was cut short": {t.Context(), fmt.Errorf("wait: %w", context.Canceled), "wait: context canceled"},
	} {
		got := lifecycle.WithCause(test.ctx, test.err)
		if got.Error() != test.want || !errors.Is(got, test.err) {
			t.Errorf("%s: %q, want %q", title, got, test.want)
		}
	}
	if err := lifecycle.WithCause(late, nil); err != nil {
		t.Errorf("without an error: %v", err)
	}
}

func TestTheLogOfAHookIsShownAsItIs(t *testing.T) {
	t.Parallel()
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	failed := &lifecycle.HookError{Hook: release.Hook{Title: "test/a", Message: "exited", Container: "c", LogTail: "dial: context canceled"}}
	for _, err := range []error{failed, fmt.Errorf("test shop: %w", failed)} {
		if got := lifecycle.WithCause(interrupted, err).Error(); !strings.Contains(got, "  | dial: context canceled") {
			t.Errorf("the log is not in %q", got)
		}
	}
}

func TestThatALogCannotBeReadIsNotTheCause(t *testing.T) {
	t.Parallel()
	c := newCluster()
	code := int32(3)
	c.outcomes["shop-migrate"] = func(context.Context) (kube.HookOutcome, error) {
		return kube.HookOutcome{
			Reason: "Error", Message: `container "c" exited with code 3`, Container: "c", ExitCode: &code, Attempts: 1,
			LogHint: "cannot read logs: no route to host",
		}, nil
	}
	kept, _, err := run(t, c, mustPlan(t, plantest.Hook("migrate", "pre-install", ""), plan.Options{}))
	record := kept.last.Status.Hooks[0]
	if record.LogNote != "cannot read logs: no route to host" || strings.Contains(record.Message, "cannot read") {
		t.Errorf("the record says %q, and notes %q", record.Message, record.LogNote)
	}
	const want = "hook pre-install/migrate failed: container \"c\" exited with code 3 (0s, 1 attempt)\nnote: cannot read logs: no route to host"
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v", err)
	}
	if strings.Contains(kept.last.Status.Message, "cannot read") {
		t.Errorf("the release says %q", kept.last.Status.Message)
	}
}
