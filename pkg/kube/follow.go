package kube

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
	box     *inbox
	// main is the feed of the hook's kind; subscribed ends the subscriptions.
	main       *feed
	mine       *subscription
	subscribed []func()

	seen sighting
}

// sighting is what a follower knows.
type sighting struct {
	applied  Applied
	object   *unstructured.Unstructured
	gone     bool
	evidence *evidence
	// refusal is the last Warning event of a Job without Pods.
	refusal warning
	// log is read as soon as the Job begins to fail: its Pods may be removed
	// before it has failed.
	log *logTail
	// blind says why the Pods cannot be seen; "" when they can.
	blind string
	said  HookProgress
}

func (c *Cluster) newFollower(hook HookRun, observe func(HookProgress)) *follower {
	if observe == nil {
		observe = func(HookProgress) {}
	}
	return &follower{cluster: c, hook: hook, observe: observe, box: newInbox(), seen: sighting{evidence: newEvidence("")}}
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
	f.main, f.mine = main, &subscription{box: f.box, tag: aboutObject, name: object.GetName()}
	f.subscribe(main, f.mine)
	if kindName(object.GroupVersionKind()) == kindJob && f.hook.PodSelector != "" {
		pods, err := f.cluster.sharedFeed(ctx, source{kind: podKind(), namespace: object.GetNamespace(), labels: f.hook.PodSelector})
		if err != nil {
			return err
		}
		f.subscribe(pods, &subscription{box: f.box, tag: aboutPods})
	}
	if err := main.sync(ctx); err != nil {
		return fmt.Errorf("watch %s: %w", nameOf(refOf(object)), errors.Join(main.trouble(), err))
	}
	return nil
}

func podKind() schema.GroupVersionKind { return corev1.SchemeGroupVersion.WithKind("Pod") }

func (f *follower) subscribe(feed *feed, to *subscription) {
	feed.subscribe(to)
	f.subscribed = append(f.subscribed, func() { feed.unsubscribe(to) })
}

// follow waits for the end of what was applied.
func (f *follower) follow(ctx context.Context, applied Applied) (HookOutcome, error) {
	f.seen.applied, f.seen.evidence.owner = applied, applied.Ref.UID
	if !f.hook.follows() {
		return HookOutcome{Succeeded: true, Applied: applied}, nil
	}
	f.main.expect(f.mine, applied.Ref.ResourceVersion)
	late := time.NewTicker(lateAfter)
	defer late.Stop()
	for {
		f.readNews()
		verdict, err := f.judge()
		switch {
		case err != nil:
			return f.outcome(verdict), fmt.Errorf("follow %s: %w", nameOf(applied.Ref), err)
		case verdict.done:
			return f.finish(ctx, verdict), nil
		case f.seen.log == nil && (isFailing(f.seen.object) || f.seen.evidence.isEnding()):
			f.gather(ctx)
		}
		f.report()
		select {
		case <-f.box.ready:
		case <-late.C:
			f.lookForRefusal(ctx, late)
		case <-ctx.Done():
			return f.outOfTime(ctx)
		}
	}
}

// judge decides nothing before the first news of the object.
func (f *follower) judge() (verdict, error) {
	if f.seen.object == nil && !f.seen.gone {
		return verdict{}, nil
	}
	return judge(f.seen.object, f.seen.gone, f.hook.Ready, f.hook.Failed)
}

func (f *follower) readNews() {
	for _, news := range f.box.take() {
		switch {
		case news.notice != "" && news.tag == aboutObject:
			f.observe(HookProgress{Notice: news.notice})
		case news.notice != "":
			f.seen.blind = news.notice
		case news.tag == aboutPods:
			f.seen.evidence.take(news.object)
		case news.tag == aboutEvents && !news.gone:
			f.seen.refusal = later(f.seen.refusal, warningOf(news.object))
		case news.tag == aboutObject:
			f.takeObject(news)
		}
	}
}

// takeObject notes the hook's own state; a state from before the apply and
// another object of that name are passed over.
func (f *follower) takeObject(news change) {
	switch {
	case news.object == nil:
		f.seen.gone = true
	case uidOf(news.object) != f.seen.applied.Ref.UID:
	case older(news.object.GetResourceVersion(), f.seen.applied.Ref.ResourceVersion):
	default:
		f.seen.object, f.seen.gone = news.object, news.gone
		if kindName(news.object.GroupVersionKind()) == kindPod {
			f.seen.evidence.take(news.object)
		}
	}
}

// report tells the observer what has changed.
func (f *follower) report() {
	now := f.progress()
	if !reflect.DeepEqual(now, f.seen.said) {
		f.seen.said = now
		f.observe(now)
	}
}

func (f *follower) progress() HookProgress {
	now := HookProgress{Attempts: f.seen.evidence.attempts()}
	if f.seen.object != nil && kindName(f.seen.object.GroupVersionKind()) == kindJob {
		now.Suspended = isTrue(f.seen.object, "spec", "suspend")
	}
	if len(f.seen.evidence.traces) == 0 && f.seen.refusal.reason != "" {
		now.Reason, now.Message = f.seen.refusal.reason, f.seen.refusal.message
		return now
	}
	failed := f.seen.evidence.explain()
	if failed.ended != nil {
		now.ExitCode = &failed.ended.ExitCode
	}
	if waits := f.seen.evidence.standing(); waits.isSpecific() {
		failed = waits
	}
	if failed.isSpecific() || failed.ended != nil {
		now.Container, now.Reason, now.Message = failed.container, failed.reason, failed.sentence()
	}
	return now
}

// lookForRefusal watches the events of a Job that has no Pod, once.
func (f *follower) lookForRefusal(ctx context.Context, late *time.Ticker) {
	if f.seen.object == nil || isTrue(f.seen.object, "spec", "suspend") {
		return
	}
	late.Stop()
	if kindName(f.seen.object.GroupVersionKind()) != kindJob || len(f.seen.evidence.traces) > 0 {
		return
	}
	events, err := f.cluster.openFeed(ctx, warningsOf(f.seen.applied.Ref))
	if err != nil {
		return
	}
	f.subscribe(events, &subscription{box: f.box, tag: aboutEvents})
	f.subscribed = append(f.subscribed, events.close)
}
