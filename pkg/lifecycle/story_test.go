package lifecycle_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// story is the life of release shop: one command after another on the same cluster.
type story struct {
	cluster *cluster
	history release.History
	texts   map[int]string
}

func newStory() *story { return &story{cluster: newCluster(), texts: map[int]string{}} }

func (s *story) newest() *release.Release { return s.history.Newest() }

// has reports whether the newest revision is that of a record.
func (s *story) has(r *release.Release) bool {
	return s.newest() != nil && s.newest().Spec.Revision == r.Spec.Revision
}

// plan plans the next command: text is the manifest of an installation or an upgrade, and the number of the revision that a
// rollback restores.
func (s *story) plan(t *testing.T, operation release.Operation, text string, options plan.Options) *work {
	t.Helper()
	request := plan.Request{Operation: operation, Scopes: plantest.Scopes(), Options: options, History: s.history, Previous: s.newest()}
	var planned *work
	var err error
	switch operation {
	case release.OperationUninstall:
		request.Release, request.Nodes = s.newest(), plantest.Nodes(t, s.texts[s.newest().Spec.Revision])
		planned, err = newWork(plan.Remove(request))
	case release.OperationTest:
		request.Release, request.Nodes = s.newest(), plantest.Nodes(t, s.texts[s.newest().Spec.Revision])
		planned, err = newWork(plan.Test(request, plan.Tests{}))
	case release.OperationRollback:
		target := s.history[len(text)-1]
		request = plan.Rollback(target, s.newest(), s.history, options)
		request.Nodes, request.Left, request.Scopes = plantest.Nodes(t, s.texts[target.Spec.Revision]), plantest.Nodes(t, s.texts[s.newest().Spec.Revision]), plantest.Scopes()
		text = s.texts[target.Spec.Revision]
		planned, err = newWork(plan.New(request))
	default:
		request.Release, request.Nodes = release.New("shop", "web", len(s.history)+1), plantest.Nodes(t, text)
		planned, err = newWork(plan.New(request))
	}
	if err != nil {
		t.Fatal(err)
	}
	if !s.has(planned.Release) {
		s.texts[planned.Release.Spec.Revision] = text
	}
	return planned
}

// run runs a command to its end and returns what it warned about.
func (s *story) run(ctx context.Context, planned *work) ([]string, error) {
	s.cluster.log = nil
	_, events, err := runOn(ctx, s.cluster, planned, time.Now)
	if s.has(planned.Release) {
		s.history[len(s.history)-1] = planned.Release
	} else {
		s.history = append(s.history, planned.Release)
	}
	return warnings(events), err
}

func (s *story) must(t *testing.T, planned *work) []string {
	t.Helper()
	said, err := s.run(t.Context(), planned)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func warnings(events []lifecycle.Event) []string {
	var said []string
	for _, event := range events {
		if event.Type == lifecycle.Warning {
			said = append(said, event.Message)
		}
	}
	return said
}

// The ways in which a command leaves a hook running.
const (
	outOfTime = "out of time"
	ctrlC     = "Ctrl-C"
	sigkill   = "SIGKILL"
)

// cutShort runs a command that ends while a hook of it runs.
func (s *story) cutShort(t *testing.T, how, hanging string, planned *work) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	planned.Options.Timeout = time.Minute
	s.cluster.outcomes[hanging] = func(limited context.Context) (kube.HookOutcome, error) {
		if how != outOfTime {
			cancel()
		}
		<-limited.Done()
		return kube.HookOutcome{}, limited.Err()
	}
	if _, err := s.run(ctx, planned); err == nil {
		t.Fatal("the hook ended")
	}
	delete(s.cluster.outcomes, hanging)
	if how == sigkill {
		s.forgetEnd(planned)
	}
}

// forgetEnd makes the record of a command what it is when the command was killed as its hook ran, and closes it.
func (s *story) forgetEnd(planned *work) {
	r := planned.Release
	if planned.Operation != release.OperationTest {
		r.Status.Phase = map[release.Operation]release.Phase{
			release.OperationInstall: release.PendingInstall, release.OperationUpgrade: release.PendingUpgrade,
			release.OperationRollback: release.PendingRollback, release.OperationUninstall: release.Uninstalling,
		}[planned.Operation]
	}
	for i := range r.Status.Hooks {
		record := &r.Status.Hooks[i]
		if record.State == release.HookFailed {
			record.State, record.Reason, record.UID, record.FinishedAt = release.HookRunning, "", "", nil
		}
	}
	if planned.Operation != release.OperationTest {
		lifecycle.CloseInterrupted(r, "process 1 on host", time.Now())
	}
}

func settings(text string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {v: " + text + "}\n---\n"
}

// pod is a Pod that is a hook.
func pod(name, phases, more string) string {
	job := strings.TrimSuffix(plantest.Hook(name, phases, more), "---\n") + "spec: {restartPolicy: Never}\n---\n"
	return strings.NewReplacer("batch/v1", "v1", "kind: Job", "kind: Pod").Replace(job)
}

// reader is a Job that is a hook of pre-upgrade and reads the ConfigMap app.
func reader(name string) string {
	return strings.TrimSuffix(plantest.Hook(name, "pre-upgrade", ""), "---\n") +
		"spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a, envFrom: [{configMapRef: {name: app}}]}]}}}\n---\n"
}

func weight(text string) string { return "    sherpack.io/hook-weight: \"" + text + "\"\n" }

const hookTimeout = "    sherpack.io/hook-timeout: 10s\n"

// resumption plans to go on with the upgrade that made the newest revision.
func (s *story) resumption(t *testing.T) *work {
	t.Helper()
	r := s.newest()
	planned, err := newWork(plan.Resume(plan.Request{
		Operation: release.OperationUpgrade, Release: r, Nodes: plantest.Nodes(t, s.texts[r.Spec.Revision]), Scopes: plantest.Scopes(), History: s.history[:len(s.history)-1],
	}))
	if err != nil {
		t.Fatal(err)
	}
	return planned
}

// undo runs the undo of a command within a minute.
func (s *story) undo(t *testing.T, failed *work) {
	t.Helper()
	var request plan.Request
	if failed.Operation != release.OperationInstall {
		request = plan.Rollback(s.history[0], failed.Release, s.history, plan.Options{})
		request.Nodes, request.Left, request.Scopes = plantest.Nodes(t, s.texts[1]), plantest.Nodes(t, s.texts[2]), plantest.Scopes()
	}
	undo, err := undoOf(failed, request)
	if err != nil {
		t.Fatal(err)
	}
	undo.Options.Timeout = time.Minute
	said, err := s.run(t.Context(), undo)
	if err != nil || len(said) < 2 || !strings.Contains(said[0], "which the failed operation left running, is deleted") || !strings.HasSuffix(said[1], "; the rollback continues") {
		t.Errorf("%v, it said %q", err, said)
	}
}

// mustPlan plans the installation of a manifest as release shop in namespace web.
func mustPlan(t *testing.T, text string, options plan.Options) *work {
	t.Helper()
	return planWork(t, plan.New, plantest.Installation(t, text, options))
}

// upgrade plans the upgrade of release shop from an inventory to a manifest.
func upgrade(t *testing.T, text string, inventory []release.Entry, history release.History) *work {
	t.Helper()
	return planWork(t, plan.New, plantest.Upgrade(t, text, inventory, history))
}

// removal plans the removal of release shop, which has a manifest and an inventory.
func removal(t *testing.T, text string, r *release.Release, options plan.Options) *work {
	t.Helper()
	return planWork(t, plan.Remove, plantest.Removal(t, text, r, options))
}

func policy(words string) string { return "    sherpack.io/hook-delete-policy: " + words + "\n" }

func run(t *testing.T, cluster *cluster, planned *work) (*store, []lifecycle.Event, error) {
	t.Helper()
	return runIn(t.Context(), cluster, planned)
}

func runIn(ctx context.Context, cluster *cluster, planned *work) (*store, []lifecycle.Event, error) {
	return runOn(ctx, cluster, planned, func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) })
}

func runOn(ctx context.Context, cluster *cluster, planned *work, now func() time.Time) (*store, []lifecycle.Event, error) {
	return runWith(ctx, cluster, &store{}, planned, now)
}

func runWith(ctx context.Context, cluster *cluster, kept *store, planned *work, now func() time.Time) (*store, []lifecycle.Event, error) {
	var events []lifecycle.Event
	runner := lifecycle.Runner{
		Cluster: cluster, Store: kept, Observe: func(event lifecycle.Event) { events = append(events, event) },
		Now: now,
	}
	var err error
	planned.result, err = runner.Run(ctx, planned.Plan)
	planned.Release = planned.result.Release
	return kept, events, err
}

// work is a plan, and what became of it when it was run.
type work struct {
	plan.Plan
	// Release is the record: that of the plan until it is run, and then that of the result.
	Release *release.Release
	result  plan.Result
}

func newWork(planned plan.Plan, err error) (*work, error) {
	if err != nil {
		return nil, err
	}
	return &work{Plan: planned, Release: planned.Release, result: plan.Result{Release: planned.Release}}, nil
}

// planWork plans a request, which must be possible, with New or Remove.
func planWork(t *testing.T, by func(plan.Request) (plan.Plan, error), request plan.Request) *work {
	t.Helper()
	planned, err := newWork(by(request))
	if err != nil {
		t.Fatal(err)
	}
	return planned
}

// failedWork is work on a revision that failed.
func failedWork(operation release.Operation, r *release.Release, extent plan.Extent) *work {
	return &work{
		Plan: plan.Plan{Operation: operation, Release: r}, Release: r, result: plan.Result{Release: r, Extent: extent},
	}
}

// undoOf is the undo of work that failed; nil where nothing has to be done.
func undoOf(failed *work, request plan.Request) (*work, error) {
	undo, needed, err := plan.Undo(failed.Plan, failed.result, request)
	if !needed {
		return nil, err
	}
	return newWork(undo, err)
}
