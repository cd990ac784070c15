package timeline_test

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// noon is when the charts are drawn.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// begun is when the operations of the tests began.
func begun() time.Time { return noon().Add(-10 * time.Minute) }

// span is a span from one moment to another, each counted from when the operation began; an end below zero is none.
func span(kind release.SpanKind, name string, from, to time.Duration, result release.SpanResult) release.Span {
	s := release.Span{Kind: kind, Name: name, StartedAt: release.Instant(begun().Add(from)), Result: result}
	if to >= 0 {
		s.FinishedAt = ptr.To(release.Instant(begun().Add(to)))
	}
	return s
}

const open = -1

// many is a change of ConfigMaps, of which some are named.
func many(result release.ChangeResult, named, count int) release.Change {
	objects := release.ObjectNames{Kind: "ConfigMap", Namespace: "web"}
	for number := range named {
		objects.Names = append(objects.Names, fmt.Sprintf("shop-item-%02d", number))
	}
	return release.Change{Result: result, Count: count, Objects: []release.ObjectNames{objects}}
}

// upgraded is a revision whose upgrade did all that an operation may do, and failed at its end.
func upgraded() *release.Release {
	r := release.New("shop", "web", 3)
	r.Spec.Pack = release.Pack{Name: "shop", Version: "1.2.0", AppVersion: "2.4.1"}
	r.Spec.Description = "the new checkout"
	r.Spec.Provenance = &release.Provenance{
		User: "ann@example.com", Host: "runner-7", Run: "https://ci.example.com/shop/7", Commit: "0123456789abcdef0123456789abcdef01234567", Dirty: true,
		Digest: "sha256:89abcdef0123456789abcdef0123456789abcdef0123456789abcdef01234567",
	}
	r.Status = release.Status{
		Phase: release.Failed, Operation: release.OperationUpgrade, StartedAt: ptr.To(metav1.NewTime(begun())),
		FinishedAt: ptr.To(metav1.NewTime(begun().Add(90 * time.Second))), DeployedRevision: 2,
		Message: "hook post-upgrade/notify failed: container \"notify\" exited with code 3 (11.8s, 3 attempts)",
	}
	apply := span(release.SpanApply, "apply wave 4", 33*time.Second, 34500*time.Millisecond, release.SpanSucceeded)
	apply.Count, apply.Counts = 12, map[string]int{"configured": 3, "created": 1, "unchanged": 8}
	early := span(release.SpanApply, "apply early, wave 3", 2400*time.Millisecond, 2900*time.Millisecond, release.SpanSucceeded)
	early.Count, early.Counts = 2, map[string]int{"configured": 1, "unchanged": 1}
	wait := span(release.SpanWait, "wait", 34500*time.Millisecond, 78*time.Second, release.SpanSucceeded)
	wait.Count = 14
	phase := span(release.SpanPhase, "pre-upgrade", 3*time.Second, 33*time.Second, release.SpanSucceeded)
	phase.Count = 2
	r.Status.Timeline = []release.Span{
		span(release.SpanLock, "lock", 0, 12*time.Millisecond, release.SpanSucceeded),
		span(release.SpanPreflight, "preflight", 12*time.Millisecond, 2400*time.Millisecond, release.SpanSucceeded),
		early, phase,
		span(release.SpanHook, "pre-upgrade/backup", 3*time.Second, 12*time.Second, release.SpanSucceeded),
		span(release.SpanHook, "pre-upgrade/migrate", 12*time.Second, 32*time.Second, release.SpanSucceeded),
		apply, wait,
		span(release.SpanPhase, "post-upgrade", 78*time.Second, 90*time.Second, release.SpanFailed),
		span(release.SpanHook, "post-upgrade/notify", 78*time.Second, 89800*time.Millisecond, release.SpanFailed),
	}
	at := func(after time.Duration) *metav1.Time { return ptr.To(metav1.NewTime(begun().Add(after))) }
	r.Status.Hooks = []release.Hook{
		{Title: "pre-upgrade/backup", Phase: "pre-upgrade", Kind: "Job", Name: "backup", State: release.HookSucceeded, Attempts: 1, StartedAt: at(3 * time.Second), FinishedAt: at(12 * time.Second), ElapsedMS: 9000, LogTail: "dumped 42 tables\n"},
		{Title: "pre-upgrade/migrate", Phase: "pre-upgrade", Kind: "Job", Name: "migrate", State: release.HookSucceeded, Attempts: 2, StartedAt: at(12 * time.Second), FinishedAt: at(32 * time.Second), ElapsedMS: 20000},
		{
			Title: "post-upgrade/notify", Phase: "post-upgrade", Kind: "Job", Name: "notify", State: release.HookFailed, ExitCode: ptr.To[int32](3), Attempts: 3,
			StartedAt: at(78 * time.Second), FinishedAt: at(90 * time.Second), ElapsedMS: 11800, Container: "notify",
			Message: "container \"notify\" exited with code 3 (11.8s, 3 attempts)", LogTail: "connecting to chat.example.com\nfatal: <no route> & \"no answer\"\n",
		},
		{Title: "post-upgrade/warm", Phase: "post-upgrade", Kind: "Job", Name: "warm", State: release.HookSkipped, Reason: release.ReasonNotReached},
	}
	r.Status.Changes = release.Changes{
		{Result: release.ChangeCreated, Count: 1, Objects: []release.ObjectNames{{Group: "apps", Kind: "Deployment", Namespace: "web", Names: []string{"shop-cache"}}}},
		{Result: release.ChangeConfigured, Count: 3, Objects: []release.ObjectNames{
			{Group: "cert-manager.io", Kind: "Certificate", Namespace: "web", Names: []string{"shop"}},
			{Kind: "ConfigMap", Namespace: "shared", Names: []string{"shop"}},
			{Group: "apps", Kind: "Deployment", Namespace: "web", Names: []string{"shop"}},
		}},
		many(release.ChangePruned, 25, 30),
		{Result: release.ChangeNone, Count: 9},
	}
	r.Status.Resources = []release.Resource{
		{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "web", Name: "shop", Role: release.Regular, Origin: release.Created},
		{APIVersion: "v1", Kind: "ConfigMap", Namespace: "shared", Name: "shop", Role: release.Regular, Origin: release.Adopted},
		{APIVersion: "batch/v1", Kind: "Job", Namespace: "web", Name: "shop-migrate", Role: release.HookRun, Origin: release.Created},
	}
	return r
}
