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
	cluster *Cluster
	hook    HookRun
	observe func(HookProgress)
	box     *feed.Inbox
	// main is the feed of the hook's kind; subscribed ends the subscriptions.
	main       *feed.Feed
	mine       *feed.Subscription
	subscribed []func()

	seen sighting
	// failedBefore is the object in whose state from before the apply failed-when held, and has held
	// ever since; "" for none.
	failedBefore types.UID
	// failure is why the hook's state cannot be judged; nil when it can.
	failure error
}

// sighting is what a follower knows.
type sighting struct {
	applied  Applied
	object   *unstructured.Unstructured
	evidence *pods.Evidence
	// end is how the hook ended, once it is done.
	end health.Verdict
	// refusal is the last Warning event of a Job without Pods.
	refusal pods.Warning
	// log is read early, as soon as a Pod is being deleted, since it may be
	// removed before the Job has failed.
	log   *logTail
	early bool
	// blind says why the Pods cannot be seen; "" when they can.
	blind string
	said  HookProgress
}

func (c *Cluster) newFollower(hook HookRun, observe func(HookProgress)) *follower {
	if observe == nil {
		observe = func(HookProgress) {}
	}
	return &follower{cluster: c, hook: hook, observe: observe, box: feed.NewInbox()}
}

func (f *follower) stop() {
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
	main, err := f.cluster.sharedFeed(ctx, source{kind: object.GroupVersionKind(), namespace: object.GetNamespace(), labels: f.hook.Selector})
	if err != nil {
		return err
	}
	f.main, f.mine = main, &feed.Subscription{Inbox: f.box, Tag: aboutObject, Name: object.GetName()}
	f.subscribe(main, f.mine)
	if kinds.IsJob(object.GroupVersionKind().GroupKind()) && f.hook.PodSelector != "" {
		podFeed, err := f.cluster.sharedFeed(ctx, source{kind: podKind(), namespace: object.GetNamespace(), labels: f.hook.PodSelector})
		if err != nil {
			return err
		}
		f.subscribe(podFeed, &feed.Subscription{Inbox: f.box, Tag: aboutPods})
	}
	if err := main.Sync(ctx); err != nil {
		return fmt.Errorf("watch %s: %w", kinds.NameOf(kinds.RefOf(object)), errors.Join(main.Trouble(), err))
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
	f.seen.applied, f.seen.evidence = applied, pods.NewEvidence(applied.Ref.UID)
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
		case f.failure != nil:
			return f.outcome(f.seen.end), fmt.Errorf("follow %s: %w", kinds.NameOf(applied.Ref), f.failure)
		case f.seen.end.Done:
			return f.finish(ctx), nil
		case !f.seen.early && f.seen.evidence.IsEnding():
			f.seen.early = true
			f.gather(ctx)
		}
		f.report()
		if ctx.Err() != nil {
			return f.outOfTime(ctx)
		}
		select {
		case <-f.box.Ready:
		case <-late.C:
			f.lookForRefusal(ctx, late)
		case <-ctx.Done():
		}
	}
}

func (f *follower) readNews() {
	for _, news := range f.box.Take() {
		switch {
		case news.Tag == aboutPods && !f.isForeign():
			f.seen.evidence.Take(news.Object)
		case news.Tag == aboutEvents && !news.Gone:
			f.seen.refusal = pods.Later(f.seen.refusal, pods.WarningOf(news.Object))
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
	case f.seen.end.Done || f.failure != nil:
		return
	case news.Object == nil:
	case uidOf(news.Object) != f.seen.applied.Ref.UID:
		return
	case feed.Older(news.Object.GetResourceVersion(), f.seen.applied.Ref.ResourceVersion):
		return
	default:
		f.seen.object = news.Object
		if kinds.IsPod(news.Object.GroupVersionKind().GroupKind()) {
			f.seen.evidence.Take(news.Object)
		}
	}
	f.seen.end, f.failure = health.Judge(f.seen.object, news.Gone, f.hook.Ready, f.hook.Failed)
	if f.seen.end.Reason != health.FailedWhen {
		f.failedBefore = ""
	}
	if f.failedBefore != "" && f.failedBefore == uidOf(f.seen.object) {
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
	named, err := f.cluster.openFeed(ctx, source{kind: kinds.Of(ref), namespace: ref.Namespace, fieldTerm: "metadata.name=" + ref.Name})
	if err != nil {
		return fmt.Errorf("watch %s: %w", kinds.NameOf(ref), err)
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
			f.failedBefore = before.GetUID()
		}
	}
}

// isForeign reports whether the hook is a Job whose Pods, if it has any here, say nothing.
func (f *follower) isForeign() bool {
	object := f.hook.Object
	if f.seen.object != nil {
		object = f.seen.object
	}
	return kinds.IsJob(object.GroupVersionKind().GroupKind()) && health.IsForeign(object)
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
	now := HookProgress{Attempts: f.seen.evidence.Attempts()}
	if f.seen.object != nil && kinds.IsJob(f.seen.object.GroupVersionKind().GroupKind()) {
		now.Suspended = health.IsSuspended(f.seen.object)
	}
	if f.seen.evidence.IsEmpty() && f.seen.refusal.Reason != "" {
		now.Reason, now.Message = f.seen.refusal.Reason, f.seen.refusal.Message
		return now
	}
	failed := f.seen.evidence.Explain()
	if failed.Ended != nil {
		now.ExitCode = &failed.Ended.ExitCode
	}
	if waits := f.seen.evidence.Standing(); waits.IsSpecific() {
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
	if f.seen.object == nil || f.isForeign() || field.IsTrue(f.seen.object, "spec", "suspend") {
		return
	}
	late.Stop()
	if !kinds.IsJob(f.seen.object.GroupVersionKind().GroupKind()) || !f.seen.evidence.IsEmpty() {
		return
	}
	events, err := f.cluster.openFeed(ctx, warningsOf(f.seen.applied.Ref))
	if err != nil {
		return
	}
	f.subscribe(events, &feed.Subscription{Inbox: f.box, Tag: aboutEvents})
	f.subscribed = append(f.subscribed, events.Close)
}
