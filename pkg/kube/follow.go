package kube

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// RunHook applies the object and follows it to its end. The watches are open
// before it is applied, so nothing is missed. observe, which may be nil, is
// called from this call whenever something worth showing has changed.
//
// The error is nil when the hook has ended, also when it has failed: see the
// outcome. Otherwise it could not be applied (an error as of Apply), could not
// be followed, or ctx ended, whose error is wrapped; the outcome then holds
// what is known.
func (c *Cluster) RunHook(ctx context.Context, hook HookRun, observe func(HookProgress)) (HookOutcome, error) {
	f := newFollower(ctx, c.feeds, hook, observe)
	defer f.stop()
	if err := f.watch(ctx); err != nil {
		return HookOutcome{}, err
	}
	f.lookBefore()
	c.api.kinds.LookAgain()
	applied := applier{c.api}.One(ctx, WithLogMessages(hook.Object), ApplyOptions{ForceConflicts: hook.ForceConflicts, Claims: hook.Claims})
	if applied.Err != nil {
		return HookOutcome{Applied: applied}, applied.Err
	}
	// A hook may install what defines kinds.
	defer c.api.kinds.LookAgain()
	return f.follow(ctx, applied)
}

// FollowHook is RunHook for an object that was applied before and may be
// running: Object needs its UID and ResourceVersion only beside its kind,
// namespace and name.
func (c *Cluster) FollowHook(ctx context.Context, hook HookRun, observe func(HookProgress)) (HookOutcome, error) {
	f := newFollower(ctx, c.feeds, hook, observe)
	defer f.stop()
	if err := f.watch(ctx); err != nil {
		return HookOutcome{}, err
	}
	ref := kinds.RefOf(hook.Object)
	ref.ResourceVersion = hook.Object.GetResourceVersion()
	defer c.api.kinds.LookAgain()
	return f.follow(ctx, Applied{Ref: ref, Generation: hook.Object.GetGeneration(), Labels: f.shownLabels()})
}

// follows reports whether the hook has an end to wait for.
func (h HookRun) follows() bool {
	return kinds.RunsPods(h.Object.GroupVersionKind().GroupKind()) || len(h.Ready)+len(h.Failed) > 0
}

// lateAfter is how long a Job may be without a Pod before its events are
// looked at.
const lateAfter = 2 * time.Second

// What a follower's changes are about.
const (
	aboutObject = iota
	aboutPods
	aboutEvents
)

// follower watches one hook to its end.
type follower struct {
	feeds   *feeds
	hook    HookRun
	observe func(HookProgress)
	box     *feed.Inbox
	// main is the feed of the hook's kind; subscribed ends the subscriptions.
	main       *feed.Feed
	mine       *feed.Subscription
	subscribed []func()

	seen      sighting
	diagnosis diagnosis
	// logs are nil where nobody wants them.
	logs *logStreams
}

// sighting is how far a follower knows the hook to be.
type sighting struct {
	// end is how the hook ended, once it is done.
	end health.Verdict
	// failure is why the hook's state cannot be judged; nil when it can.
	failure error
	// failedBefore is the object in whose state from before the apply failed-when held, and has held
	// ever since; "" for none.
	failedBefore types.UID
	// early tells that the cause was looked for when a Pod was being deleted, since its log may be gone before the Job has failed.
	early bool
	said  HookProgress
}

func newFollower(ctx context.Context, from *feeds, hook HookRun, observe func(HookProgress)) *follower {
	if observe == nil {
		observe = func(HookProgress) {}
	}
	f := &follower{
		feeds: from, hook: hook, observe: observe, box: feed.NewInbox(),
		diagnosis: diagnosis{api: from.connection, hook: hook.Object},
	}
	if hook.Logs != nil {
		f.logs = newLogStreams(ctx, from.connection)
	}
	return f
}

func (f *follower) stop() {
	f.logs.Stop()
	for _, end := range f.subscribed {
		end()
	}
}

// watch opens the shared watches and waits until the hook's own is complete.
func (f *follower) watch(ctx context.Context) error {
	if !f.hook.follows() {
		return nil
	}
	object := f.hook.Object
	main, err := f.feeds.Shared(ctx, source{kind: object.GroupVersionKind(), namespace: object.GetNamespace(), labels: f.hook.Selector})
	if err != nil {
		return err
	}
	f.main, f.mine = main, &feed.Subscription{Inbox: f.box, Tag: aboutObject, Name: object.GetName()}
	f.subscribe(main, f.mine)
	if kinds.IsJob(object.GroupVersionKind().GroupKind()) && f.hook.PodSelector != "" {
		podFeed, err := f.feeds.Shared(ctx, source{kind: podKind(), namespace: object.GetNamespace(), labels: f.hook.PodSelector})
		if err != nil {
			return err
		}
		f.subscribe(podFeed, &feed.Subscription{Inbox: f.box, Tag: aboutPods})
	}
	if err := main.Sync(ctx); err != nil {
		return fmt.Errorf("watching %s: %w", kinds.NameOf(kinds.RefOf(object)), errors.Join(main.Trouble(), err))
	}
	return nil
}

func podKind() schema.GroupVersionKind { return corev1.SchemeGroupVersion.WithKind("Pod") }

func (f *follower) subscribe(at *feed.Feed, to *feed.Subscription) {
	at.Subscribe(to)
	f.subscribed = append(f.subscribed, func() { at.Unsubscribe(to) })
}

// follow waits for the end of what was applied.
func (f *follower) follow(ctx context.Context, applied Applied) (HookOutcome, error) {
	f.diagnosis.applied, f.diagnosis.evidence = applied, pods.NewEvidence(applied.Ref.UID)
	if !f.hook.follows() {
		return HookOutcome{Succeeded: true, Applied: applied}, nil
	}
	if !f.selects(applied.Labels) {
		// An admission webhook has dropped the label.
		if err := f.followByName(ctx); err != nil {
			return HookOutcome{Applied: applied}, err
		}
	}
	f.main.Expect(f.mine, applied.Ref.ResourceVersion)
	late := time.NewTicker(lateAfter)
	defer late.Stop()
	for {
		f.readNews()
		switch {
		case f.seen.failure != nil:
			return f.diagnosis.Outcome(f.seen.end), fmt.Errorf("following %s: %w", kinds.NameOf(applied.Ref), f.seen.failure)
		case f.seen.end.Done:
			return f.finish(ctx), nil
		case !f.seen.early && f.diagnosis.evidence.IsEnding():
			f.seen.early = true
			f.diagnosis.Gather(ctx)
		}
		f.report()
		if ctx.Err() != nil {
			return f.outOfTime(ctx)
		}
		select {
		case <-f.box.Ready:
		case line := <-f.logs.Lines():
			f.hook.Logs(line)
		case <-late.C:
			f.lookForRefusal(ctx, late)
		case <-ctx.Done():
		}
	}
}

func (f *follower) readNews() {
	for _, news := range f.box.Take() {
		switch {
		case news.Tag == aboutPods && !f.diagnosis.isForeign():
			if f.diagnosis.evidence.Take(news.Object) {
				f.logs.See(news.Object)
			}
		case news.Tag == aboutEvents && !news.Gone:
			f.diagnosis.refusal = pods.Later(f.diagnosis.refusal, pods.WarningOf(news.Object))
		case news.Tag == aboutObject:
			f.takeObject(news)
		}
	}
}

// takeObject notes the hook's own state and judges each, so that one that
// passes quickly counts, too. A state from before the apply, another object of
// that name, and what comes after the end are passed over.
func (f *follower) takeObject(news feed.Change) {
	switch {
	case f.seen.end.Done || f.seen.failure != nil:
		return
	case news.Object == nil:
	case uidOf(news.Object) != f.diagnosis.applied.Ref.UID:
		return
	case feed.Older(news.Object.GetResourceVersion(), f.diagnosis.applied.Ref.ResourceVersion):
		return
	default:
		f.diagnosis.object = news.Object
		if kinds.IsPod(news.Object.GroupVersionKind().GroupKind()) {
			f.diagnosis.evidence.Take(news.Object)
			f.logs.See(news.Object)
		}
	}
	f.seen.end, f.seen.failure = health.Judge(f.diagnosis.object, news.Gone, f.hook.Ready, f.hook.Failed)
	if f.seen.end.Reason != health.FailedWhen {
		f.seen.failedBefore = ""
	}
	if f.seen.failedBefore != "" && f.seen.failedBefore == uidOf(f.diagnosis.object) {
		f.seen.end.Message = words.Sentences(f.seen.end.Message, failedBeforeAdvice)
	}
}

// failedBeforeAdvice is said of a failed-when that tells nothing about this run.
const failedBeforeAdvice = "it was already before this run applied the hook; to have what an earlier run left deleted first, " +
	"set sherpack.io/hook-delete-policy: before-hook-creation"

// selects reports whether the watch of the hooks shows what has some labels.
func (f *follower) selects(carried map[string]string) bool {
	selector, err := labels.Parse(f.hook.Selector)
	return err != nil || selector.Matches(labels.Set(carried))
}

// shownLabels are the labels of the hook's object as the watch of the hooks shows it; nil where it does not show it.
func (f *follower) shownLabels() map[string]string {
	if f.main == nil {
		return nil
	}
	shown := f.main.Find(f.hook.Object.GetName())
	if shown == nil {
		return nil
	}
	return shown.GetLabels()
}

// followByName follows the hook without the selector, from now on.
func (f *follower) followByName(ctx context.Context) error {
	ref := kinds.RefOf(f.hook.Object)
	named, err := f.feeds.Open(ctx, source{kind: kinds.Of(ref), namespace: ref.Namespace, fieldTerm: "metadata.name=" + ref.Name})
	if err != nil {
		return fmt.Errorf("watching %s: %w", kinds.NameOf(ref), err)
	}
	f.main.Unsubscribe(f.mine)
	f.main = named
	f.subscribe(named, f.mine)
	f.subscribed = append(f.subscribed, named.Close)
	return nil
}

// lookBefore notes whether failed-when holds on what is there before the apply.
func (f *follower) lookBefore() {
	if f.main == nil || len(f.hook.Failed) == 0 {
		return
	}
	if before := f.main.Find(f.hook.Object.GetName()); before != nil {
		if failed, err := f.hook.Failed.Hold(before); failed && err == nil {
			f.seen.failedBefore = before.GetUID()
		}
	}
}

// finish is the outcome of a hook that has ended.
func (f *follower) finish(ctx context.Context) HookOutcome {
	f.logs.Drain(drainTime, f.hook.Logs)
	f.diagnosis.Gather(ctx)
	if f.seen.end.Succeeded {
		outcome := HookOutcome{Succeeded: true, Attempts: f.diagnosis.evidence.Attempts(), Applied: f.diagnosis.applied}
		if f.diagnosis.log != nil {
			outcome.LogTail, outcome.LogHint = f.diagnosis.log.text, f.diagnosis.log.hint
		}
		return outcome
	}
	return f.diagnosis.Outcome(f.seen.end)
}

// outOfTime is the outcome of a hook that has not ended with ctx. When it was
// interrupted, nothing more is asked of the server than the last lines of logs that are followed.
func (f *follower) outOfTime(ctx context.Context) (HookOutcome, error) {
	f.logs.Drain(lastLines, f.hook.Logs)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f.diagnosis.Gather(ctx)
		f.diagnosis.LookForWarning(ctx)
	}
	outcome := f.diagnosis.Outcome(health.Verdict{})
	err := ctx.Err()
	if f.main.Trouble() != nil {
		err = fmt.Errorf("%w (%w)", err, f.main.Trouble())
	}
	return outcome, fmt.Errorf("waiting for %s: %w", kinds.NameOf(f.diagnosis.applied.Ref), err)
}

// report tells the observer what has changed. That the same is worded
// otherwise, as it is after every back-off, is no change.
func (f *follower) report() {
	now := f.progress()
	same := now
	same.Message = f.seen.said.Message
	if !reflect.DeepEqual(same, f.seen.said) {
		f.seen.said = now
		f.observe(now)
	}
}

func (f *follower) progress() HookProgress {
	now := HookProgress{Attempts: f.diagnosis.evidence.Attempts()}
	if f.diagnosis.object != nil && kinds.IsJob(f.diagnosis.object.GroupVersionKind().GroupKind()) {
		now.Suspended = health.IsSuspended(f.diagnosis.object)
	}
	if f.diagnosis.evidence.IsEmpty() && f.diagnosis.refusal.Reason != "" {
		now.Reason, now.Message = f.diagnosis.refusal.Reason, f.diagnosis.refusal.Message
		return now
	}
	failed := f.diagnosis.evidence.Explain()
	if failed.Ended != nil {
		now.ExitCode = &failed.Ended.ExitCode
	}
	if waits := f.diagnosis.evidence.Standing(); waits.IsSpecific() {
		failed = waits
	}
	switch {
	case failed.IsSpecific() || failed.Ended != nil:
		now.Container, now.Reason, now.Message = failed.Container, failed.Reason, failed.Sentence()
	case failed.Started:
		now.Container = failed.Container
	}
	return now
}

// lookForRefusal watches the events of a Job that has no Pod, once.
func (f *follower) lookForRefusal(ctx context.Context, late *time.Ticker) {
	if f.diagnosis.object == nil || f.diagnosis.isForeign() || field.IsTrue(f.diagnosis.object, "spec", "suspend") {
		return
	}
	late.Stop()
	if !kinds.IsJob(f.diagnosis.object.GroupVersionKind().GroupKind()) || !f.diagnosis.evidence.IsEmpty() {
		return
	}
	events, err := f.feeds.Open(ctx, warningsOf(f.diagnosis.applied.Ref))
	if err != nil {
		return
	}
	f.subscribe(events, &feed.Subscription{Inbox: f.box, Tag: aboutEvents})
	f.subscribed = append(f.subscribed, events.Close)
}

// uidOf is an object's UID; "" for none.
func uidOf(object *unstructured.Unstructured) types.UID {
	if object == nil {
		return ""
	}
	return object.GetUID()
}
