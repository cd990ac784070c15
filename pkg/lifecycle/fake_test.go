package lifecycle_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// cluster is a Cluster in memory. Hooks end as outcomes say; those it does not name succeed.
type cluster struct {
	mu       sync.Mutex
	objects  map[kinds.Key]*unstructured.Unstructured
	outcomes map[string]func(ctx context.Context) (kube.HookOutcome, error)
	refusals
	// dryRuns are what was submitted as a dry-run, and meanwhile is called after that, before each apply.
	dryRuns   []string
	meanwhile func()
	// notices come with the next event.
	notices []string
	uids    int
	log     []string
}

// during has something happen to the cluster while a hook runs, which then succeeds.
func (c *cluster) during(hook string, happens func()) {
	c.outcomes[hook] = func(context.Context) (kube.HookOutcome, error) {
		happens()
		return kube.HookOutcome{Succeeded: true}, nil
	}
}

// refusals are what is answered to an object of a name: to a dry-run, and to an apply. waitErr is the answer to a wait.
type refusals struct {
	dryRunRefusals
	applyErr map[string]error
	// findErr is the answer to looking for objects of a kind; nil finds all.
	findErr map[string]error
	waitErr error
	// frozen are the names of objects that cannot be changed in place, and lost those of objects that are created without an
	// answer.
	frozen, lost []string
	// stubborn are the names of objects that do not go before whoever waits for it has given up.
	stubborn []string
	// deleteErr is what becomes of the deletion of an object of a name, and not of a dry-run.
	deleteErr map[string]error
	// giveBackErr is what becomes of all that is given back.
	giveBackErr error
	// admit changes what is applied, as webhooks do; nil changes nothing. before is what was there, and nil for nothing.
	admit func(applied, before *unstructured.Unstructured)
}

// dryRunRefusals are what is answered to a dry-run: to an object of a name, and by what it holds; a nil rule allows all.
type dryRunRefusals struct {
	checkErr  map[string]error
	checkRule func(*unstructured.Unstructured) error
	// orphans are the names of objects whose ServiceAccount is not there, which is refused unless that may come.
	orphans []string
	// unknown are the names of objects of which nobody can say what they would be.
	unknown []string
}

var errOrphan = errors.New("its account is not there")

func newCluster() *cluster {
	return &cluster{
		objects:  map[kinds.Key]*unstructured.Unstructured{},
		outcomes: map[string]func(ctx context.Context) (kube.HookOutcome, error){},
		refusals: refusals{applyErr: map[string]error{}, dryRunRefusals: dryRunRefusals{checkErr: map[string]error{}}},
	}
}

func (c *cluster) note(format string, args ...any) {
	c.log = append(c.log, fmt.Sprintf(format, args...))
}

func key(object *unstructured.Unstructured) kinds.Key {
	return manifest.Object{Unstructured: object}.Key()
}

func (c *cluster) Find(_ context.Context, refs []corev1.ObjectReference) ([]*metav1.PartialObjectMetadata, error) {
	found := make([]*metav1.PartialObjectMetadata, len(refs))
	for i, ref := range refs {
		if err := c.findErr[ref.Kind]; err != nil {
			return nil, err
		}
		if object, ok := c.objects[kinds.KeyOf(ref)]; ok {
			found[i] = &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
				Name: object.GetName(), Namespace: object.GetNamespace(), UID: object.GetUID(), Labels: object.GetLabels(),
				Annotations: object.GetAnnotations(), DeletionTimestamp: object.GetDeletionTimestamp(),
				Generation: max(1, object.GetGeneration()), ResourceVersion: object.GetResourceVersion(),
			}}
		}
	}
	return found, nil
}

func (c *cluster) Notices() []string {
	notices := c.notices
	c.notices = nil
	return notices
}

func (c *cluster) Lookup(_ context.Context, apiVersion, kind, namespace, name string) (map[string]any, error) {
	ref := corev1.ObjectReference{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name}
	if object, ok := c.objects[kinds.KeyOf(ref)]; ok {
		return object.Object, nil
	}
	return map[string]any{}, nil
}

func (c *cluster) Apply(_ context.Context, objects []*unstructured.Unstructured, _ kube.ApplyOptions, done func(int, kube.Applied)) error {
	var first error
	if c.meanwhile != nil {
		c.meanwhile()
	}
	for i, object := range objects {
		if err := c.moved(object); err != nil {
			first = err
			done(i, kube.Applied{Err: err})
			continue
		}
		if err := c.applyErr[object.GetName()]; err != nil {
			done(i, kube.Applied{Err: err})
			first = err
			continue
		}
		if _, there := c.objects[key(object)]; there && slices.Contains(c.frozen, object.GetName()) {
			first = immutableError(object)
			done(i, kube.Applied{Err: first})
			continue
		}
		if _, there := c.objects[key(object)]; !there && slices.Contains(c.lost, object.GetName()) {
			c.put(object)
			first = errors.New("connection lost")
			done(i, kube.Applied{Err: first})
			continue
		}
		done(i, c.put(object))
	}
	return first
}

// moved is what the API server says of an object that is not the one that was meant.
func (c *cluster) moved(object *unstructured.Unstructured) error {
	found, there := c.objects[key(object)]
	switch {
	case object.GetResourceVersion() != "" && there:
		return refusal.ErrReplaced
	case object.GetUID() == "":
		return nil
	case !there:
		return refusal.ErrGone
	case found.GetUID() != object.GetUID():
		return refusal.ErrReplaced
	}
	return nil
}

func (c *cluster) DryRun(_ context.Context, checks []kube.DryRun) ([]kube.DryRunResult, error) {
	answers := make([]kube.DryRunResult, len(checks))
	for i, check := range checks {
		verb := "dry-run"
		if check.Replaces {
			verb = "dry-run as new"
		}
		c.dryRuns = append(c.dryRuns, fmt.Sprintf("%s %s/%s", verb, check.Object.GetKind(), check.Object.GetName()))
		answers[i].Err = c.checkErr[check.Object.GetName()]
		if c.checkRule != nil && answers[i].Err == nil {
			answers[i].Err = c.checkRule(check.Object)
		}
		if slices.Contains(c.orphans, check.Object.GetName()) && !check.Planned(corev1.ObjectReference{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "web", Name: "made"}) {
			answers[i].Err = errOrphan
		}
		if _, there := c.objects[key(check.Object)]; there && !check.Replaces && slices.Contains(c.frozen, check.Object.GetName()) {
			answers[i].Err = immutableError(check.Object)
		}
		if check.Whole && answers[i].Err == nil && !slices.Contains(c.unknown, check.Object.GetName()) {
			answers[i].Object = check.Object.DeepCopy()
			_ = unstructured.SetNestedField(answers[i].Object.Object, "default", "defaulted")
		}
	}
	return answers, nil
}

func (c *cluster) Snapshot(_ context.Context, refs []corev1.ObjectReference) ([]*unstructured.Unstructured, error) {
	found := make([]*unstructured.Unstructured, len(refs))
	for i, ref := range refs {
		c.note("remember %s/%s", ref.Kind, ref.Name)
		if object, ok := c.objects[kinds.KeyOf(ref)]; ok {
			found[i] = object.DeepCopy()
		}
	}
	return found, nil
}

func (c *cluster) GiveBack(_ context.Context, returns []kube.Return, done func(int, error)) error {
	var first error
	for i, r := range returns {
		err := cmp.Or(c.giveBackErr, c.applyErr[r.Ref.Name])
		if first = cmp.Or(first, err); err == nil {
			c.note("give back %s/%s", r.Ref.Kind, r.Ref.Name)
			if r.Before != nil && c.objects[kinds.KeyOf(r.Ref)] != nil {
				c.objects[kinds.KeyOf(r.Ref)] = r.Before.DeepCopy()
			}
		}
		done(i, err)
	}
	return first
}

func (c *cluster) HandOver(_ context.Context, handovers []kube.Handover, managers kube.Managers, done func(int, error)) error {
	for i, handover := range handovers {
		if err := c.applyErr[handover.Ref.Name]; err != nil {
			done(i, err)
			return err
		}
		c.note("hand %s/%s to %s", handover.Ref.Kind, handover.Ref.Name, managers.To)
		object := c.objects[kinds.KeyOf(handover.Ref)]
		for key, value := range handover.Labels {
			label(object, key, ptr.Deref(value, ""))
		}
		for key, value := range handover.Annotations {
			annotate(object, key, ptr.Deref(value, ""))
		}
		done(i, nil)
	}
	return nil
}

func (c *cluster) TryHandOver(_ context.Context, handovers []kube.Handover, _ kube.Managers, done func(int, error)) error {
	for i, handover := range handovers {
		done(i, c.checkErr[handover.Ref.Name])
	}
	return nil
}

func (c *cluster) TakeOver(_ context.Context, refs []corev1.ObjectReference) error {
	for _, ref := range refs {
		c.note("take over %s/%s", ref.Kind, ref.Name)
	}
	return nil
}

func (c *cluster) OwnData(_ context.Context, refs []corev1.ObjectReference) error {
	for _, ref := range refs {
		c.note("own the data of %s/%s", ref.Kind, ref.Name)
	}
	return nil
}

func (c *cluster) put(object *unstructured.Unstructured) kube.Applied {
	c.note("apply %s/%s", object.GetKind(), object.GetName())
	stored := object.DeepCopy()
	stored.SetResourceVersion("")
	existing, exists := c.objects[key(object)]
	if exists {
		stored.SetUID(existing.GetUID())
	} else {
		c.uids++
		stored.SetUID(types.UID(fmt.Sprintf("uid-%d", c.uids)))
	}
	if c.admit != nil {
		c.admit(stored, existing)
	}
	c.objects[key(object)] = stored
	ref := manifest.Object{Unstructured: stored}.Reference()
	ref.UID, ref.ResourceVersion = stored.GetUID(), stored.GetResourceVersion()
	return kube.Applied{Ref: ref, Created: !exists, Generation: 1, Labels: stored.GetLabels(), Annotations: stored.GetAnnotations()}
}

func (c *cluster) Delete(ctx context.Context, targets []kube.Deletion, done func(int, time.Duration, error)) error {
	var failed error
	for i, target := range targets {
		found, ok := c.objects[kinds.KeyOf(target.Ref)]
		if target.DryRun {
			c.dryRuns = append(c.dryRuns, fmt.Sprintf("dry-run delete %s/%s", target.Ref.Kind, target.Ref.Name))
			done(i, 0, c.checkErr[target.Ref.Name])
			continue
		}
		if ok && found.GetUID() == target.Ref.UID && slices.Contains(c.stubborn, target.Ref.Name) {
			c.note("delete %s/%s in vain", target.Ref.Kind, target.Ref.Name)
			found.SetDeletionTimestamp(&metav1.Time{Time: time.Now()})
			if target.NoWait {
				done(i, 0, nil)
				continue
			}
			target.Observe("it has the finalizers " + target.Ref.Name)
			<-ctx.Done()
			done(i, 0, ctx.Err())
			return ctx.Err()
		}
		if err := c.deleteErr[target.Ref.Name]; err != nil {
			done(i, 0, err)
			failed = err
			continue
		}
		if ok && found.GetUID() == target.Ref.UID {
			c.note("delete %s/%s %s", target.Ref.Kind, target.Ref.Name, target.Propagation)
			delete(c.objects, kinds.KeyOf(target.Ref))
		}
		done(i, 0, nil)
	}
	return failed
}

func (c *cluster) Contents(_ context.Context, namespace string) ([]corev1.ObjectReference, error) {
	var found []corev1.ObjectReference
	for _, object := range c.objects {
		if object.GetNamespace() == namespace {
			found = append(found, manifest.Object{Unstructured: object}.Reference())
		}
	}
	return found, nil
}

func (c *cluster) AwaitGone(ctx context.Context, refs []corev1.ObjectReference, observe func(int, string)) error {
	for i, ref := range refs {
		if slices.Contains(c.stubborn, ref.Name) {
			observe(i, "it has the finalizers "+ref.Name)
			<-ctx.Done()
			return ctx.Err()
		}
		c.note("await %s/%s gone", ref.Kind, ref.Name)
		observe(i, "")
		delete(c.objects, kinds.KeyOf(ref))
	}
	return nil
}

func (c *cluster) RunHook(ctx context.Context, run kube.HookRun, _ func(kube.HookProgress)) (kube.HookOutcome, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.objects[key(run.Object)]; there && slices.Contains(c.frozen, run.Object.GetName()) {
		err := immutableError(run.Object)
		return kube.HookOutcome{Applied: kube.Applied{Err: err}}, err
	}
	applied := c.put(run.Object)
	outcome, err := kube.HookOutcome{Succeeded: true, Attempts: 1}, error(nil)
	if end, named := c.outcomes[run.Object.GetName()]; named {
		outcome, err = end(ctx)
	}
	c.finish(run, outcome, err)
	outcome.Applied = applied
	return outcome, err
}

// finish gives the object of a hook that has ended the status of one that has. A hook with a condition goes on.
func (c *cluster) finish(run kube.HookRun, outcome kube.HookOutcome, err error) {
	object, there := c.objects[key(run.Object)]
	if err != nil || !there || len(run.Ready) > 0 {
		return
	}
	phase, condition := "Succeeded", "Complete"
	if !outcome.Succeeded {
		phase, condition = "Failed", "Failed"
	}
	object.Object["status"] = map[string]any{
		"phase": phase, "conditions": []any{map[string]any{"type": condition, "status": "True"}},
	}
}

func (c *cluster) FollowHook(ctx context.Context, run kube.HookRun, _ func(kube.HookProgress)) (kube.HookOutcome, error) {
	c.note("follow %s/%s", run.Object.GetKind(), run.Object.GetName())
	ref := manifest.Object{Unstructured: run.Object}.Reference()
	ref.UID = run.Object.GetUID()
	outcome, err := kube.HookOutcome{Succeeded: true}, error(nil)
	if end, named := c.outcomes[run.Object.GetName()]; named {
		outcome, err = end(ctx)
	}
	c.finish(run, outcome, err)
	outcome.Applied = kube.Applied{Ref: ref}
	return outcome, err
}

func (c *cluster) Wait(_ context.Context, targets []kube.WaitTarget, selector string, _ func(kube.Readiness)) error {
	for _, target := range targets {
		c.note("wait %s/%s %s", target.Ref.Kind, target.Ref.Name, selector)
	}
	return c.waitErr
}

var errDeaf = errors.New("no status is written")

// store is a Store in memory that keeps what was written, write by write.
type store struct {
	writes  []string
	last    release.Release
	dropped bool
	err     error
	// tidyErr is what becomes of everything that removes or supersedes records.
	tidyErr error
	// hiddenErr is what Helm finds after its records were hidden; nil is nothing.
	hiddenErr error
	// formerErr is what becomes of the record of what is adopted.
	formerErr error
	// deaf says that no status of a hook that runs can be written.
	deaf bool
}

func (s *store) Create(_ context.Context, r *release.Release) error {
	if s.err != nil {
		return s.err
	}
	r.ResourceVersion = "1"
	s.keep("create", r)
	return nil
}

func (s *store) UpdateStatus(ctx context.Context, r *release.Release) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	running := func(h release.Hook) bool { return h.State == release.HookRunning }
	if s.deaf && slices.ContainsFunc(r.Status.Hooks, running) {
		return errDeaf
	}
	s.keep("status", r)
	return nil
}

func (s *store) UpdateInventory(ctx context.Context, _ *release.Release) error {
	s.writes = append(s.writes, "inventory")
	return ctx.Err()
}

func (s *store) AddFormer(_ context.Context, _ *release.Release, former []release.Former) error {
	for _, f := range former {
		s.writes = append(s.writes, "former "+f.Name)
	}
	return s.formerErr
}

func (s *store) DropFormer(context.Context, string, string) error {
	s.writes = append(s.writes, "drop former")
	return nil
}

func (s *store) Supersede(_ context.Context, r *release.Release) error {
	s.writes = append(s.writes, fmt.Sprintf("supersede %d", r.Spec.Revision))
	return s.tidyErr
}

func (s *store) Forget(_ context.Context, r *release.Release) error {
	s.writes = append(s.writes, fmt.Sprintf("forget %d", r.Spec.Revision))
	return s.tidyErr
}

func (s *store) PutHelm(_ context.Context, records []release.HelmRecord) error {
	for _, record := range records {
		s.writes = append(s.writes, fmt.Sprintf("helm %d %s aside=%v", record.Revision, record.Status, record.Aside))
	}
	return s.tidyErr
}

func (s *store) TryHelm(context.Context, []release.HelmRecord) error { return nil }

func (s *store) CheckHidden(context.Context, string, string) error { return s.hiddenErr }

func (s *store) Drop(context.Context, string, string) error {
	s.dropped = s.tidyErr == nil
	return s.tidyErr
}

// keep notes a write as the phase and the states of the hooks.
func (s *store) keep(what string, r *release.Release) {
	text := what + " " + string(r.Status.Phase)
	for _, h := range r.Status.Hooks {
		text += " " + h.Summary()
	}
	s.writes = append(s.writes, text)
	s.last = *r
	s.last.Status.Hooks = slices.Clone(r.Status.Hooks)
}

// putTheirs places a ConfigMap on the cluster that belongs to nobody.
func putTheirs(cluster *cluster) {
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs", "namespace": "web"}})
}

func theirs() string { return plantest.Object("v1", "ConfigMap", "theirs") }

func immutableError(object *unstructured.Unstructured) error {
	return &refusal.ImmutableError{Ref: manifest.Object{Unstructured: object}.Reference(), Problems: []refusal.FieldProblem{{Field: "spec", Message: "field is immutable"}}}
}

// annotate and label change what an object carries; an empty value removes it.
func annotate(object *unstructured.Unstructured, key, value string) {
	object.SetAnnotations(with(object.GetAnnotations(), key, value))
}

func label(object *unstructured.Unstructured, key, value string) {
	object.SetLabels(with(object.GetLabels(), key, value))
}

func with(values map[string]string, key, value string) map[string]string {
	if values = maps.Clone(values); values == nil {
		values = map[string]string{}
	}
	if values[key] = value; value == "" {
		delete(values, key)
	}
	return values
}

// exit3 is how a hook ends whose container exits with 3.
func exit3(context.Context) (kube.HookOutcome, error) {
	return kube.HookOutcome{Message: `container "c" exited with code 3`, Container: "c", ExitCode: ptr.To[int32](3), Attempts: 2, LogTail: "one\ntwo\n"}, nil
}

// hang is how a hook ends that only its context ends.
func hang(ctx context.Context) (kube.HookOutcome, error) {
	<-ctx.Done()
	return kube.HookOutcome{Reason: "ImagePullBackOff", Message: "waits: ImagePullBackOff", Attempts: 1}, ctx.Err()
}

// put places an object on the cluster, as some earlier run or somebody else left it.
func put(cluster *cluster, text map[string]any) {
	applied := &unstructured.Unstructured{Object: text}
	cluster.put(applied)
	cluster.log = nil
}

// job is the Job shop-a as it is on the cluster.
func job(marks, status map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": "batch/v1", "kind": "Job", "status": status,
		"metadata": map[string]any{
			"name": "shop-a", "namespace": "web", "annotations": marks,
			"labels": map[string]any{plan.LabelManagedBy: "sherpack"},
		},
	}
}

func marks(release string) map[string]any {
	return map[string]any{plan.AnnotationRelease: release, plan.AnnotationNamespace: "web"}
}

// putMarked places a ConfigMap with the marks of the release on the cluster.
func putMarked(cluster *cluster, name string) {
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{
		"name": name, "namespace": "web", "annotations": marks("shop"), "labels": map[string]any{plan.LabelManagedBy: "sherpack"},
	}})
}
