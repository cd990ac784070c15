package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

// DryRun is an object whose write is to be submitted as a dry-run.
type DryRun struct {
	// Object is what would be applied, with its namespace; it is not changed.
	Object *unstructured.Unstructured
	// Replaces says that an object of that name is there and will be deleted
	// before: then a creation is submitted, not an apply.
	Replaces bool
	// ForceConflicts is that of ApplyOptions.
	ForceConflicts bool
	// Claims are those of ApplyOptions.
	Claims []string
	// Adopts says that TakeOver would come before.
	Adopts bool
	// Planned reports whether an object that is not there will be, or may be,
	// when this one is applied; nil is none. Only ServiceAccounts, PriorityClasses,
	// RuntimeClasses, Roles and ClusterRoles are asked for.
	Planned func(corev1.ObjectReference) bool
	// Whole asks for the object as it would be.
	Whole bool
}

// DryRunResult is the answer to a DryRun.
type DryRunResult struct {
	// Err is why the object would be refused, as of Apply; nil where it would
	// not be as far as can be known.
	Err error
	// Unknown says what could not be submitted, and why; "" when all was.
	Unknown string
	// Object is what the object would be, without its status; nil where that
	// was not asked for, and where it was refused or could not be submitted.
	Object *unstructured.Unstructured
}

// DryRun submits writes as dry-runs, atOnce at a time, and returns the answers
// in the order of objects. Of what runs Pods, such a Pod is submitted, too: the
// refusals of admission do not show on the object that makes it. The error is
// that of ctx, once it has ended.
func (c *Cluster) DryRun(ctx context.Context, objects []DryRun) ([]DryRunResult, error) {
	answers := make([]DryRunResult, len(objects))
	err := each(ctx, len(objects), atOnce, func(i int) error {
		answers[i] = dryRunner{applier{c.api}}.dryRun(ctx, objects[i])
		return nil
	})
	return answers, err
}

// dryRunner submits writes as dry-runs.
type dryRunner struct{ applier }

func (c dryRunner) dryRun(ctx context.Context, d DryRun) DryRunResult {
	submitted := d
	submitted.Object = d.withoutPlanned(d.Object)
	object, err := c.write(ctx, submitted)
	answer := c.judge(ctx, d, err)
	if answer.Err != nil || answer.Unknown != "" {
		return answer
	}
	answer = c.dryRunPod(ctx, d)
	answer.Object = object
	return answer
}

// write submits what would be written, and returns the answer where that is asked for whole.
func (c dryRunner) write(ctx context.Context, d DryRun) (*unstructured.Unstructured, error) {
	write := c.dryApply
	if d.Replaces {
		write = func(ctx context.Context, d DryRun, answer metav1.Object) error {
			return c.DryCreate(ctx, d.Object, answer)
		}
	}
	if !d.Whole {
		return nil, write(ctx, d, &metav1.PartialObjectMetadata{})
	}
	answer := &unstructured.Unstructured{}
	err := write(ctx, d, answer)
	switch {
	case d.Replaces && apierrors.IsAlreadyExists(err):
		return c.createElsewhere(ctx, d.Object), err
	case err != nil:
		return nil, err
	}
	unstructured.RemoveNestedField(answer.Object, "status")
	return answer, nil
}

// createElsewhere returns what an object would be whose name is still taken: it is submitted under another one. It is nil where
// that is refused.
func (c dryRunner) createElsewhere(ctx context.Context, object *unstructured.Unstructured) *unstructured.Unstructured {
	unnamed, answer := object.DeepCopy(), &unstructured.Unstructured{}
	unnamed.SetName("")
	unnamed.SetGenerateName(object.GetName() + "-")
	if err := c.DryCreate(ctx, unnamed, answer); err != nil {
		return nil
	}
	answer.SetName(object.GetName())
	answer.SetGenerateName(object.GetGenerateName())
	unstructured.RemoveNestedField(answer.Object, "status")
	return answer
}

// dryApply submits an apply of the object.
func (c dryRunner) dryApply(ctx context.Context, d DryRun, answer metav1.Object) error {
	options := ApplyOptions{ForceConflicts: d.ForceConflicts, Claims: d.Claims, dryRun: true}
	_, err := c.Send(ctx, d.Object, options, answer)
	if d.Adopts && onlyPredecessors(refusal.Classify(kinds.RefOf(d.Object), err), d.Claims) {
		options.ForceConflicts = true
		_, err = c.Send(ctx, d.Object, options, answer)
	}
	return err
}

// onlyPredecessors reports whether an error is a conflict that TakeOver would
// have solved, but for fields that are claimed.
func onlyPredecessors(err error, claims []string) bool {
	var conflict *refusal.ConflictError
	return errors.As(err, &conflict) && !slices.ContainsFunc(conflict.Conflicts, func(found refusal.FieldConflict) bool {
		return !slices.Contains(predecessors(), found.Manager) && !slices.Contains(claims, found.Field)
	})
}

// judge tells what a refusal of the dry-run says about the write itself.
func (c dryRunner) judge(ctx context.Context, d DryRun, err error) DryRunResult {
	switch {
	case err == nil, d.Replaces && (apierrors.IsAlreadyExists(err) || refusal.ExceedsQuota(err)):
		// The name, and what counts for the quota, is free by then.
		return DryRunResult{}
	case refusal.NoDryRun(err):
		return DryRunResult{Unknown: refusal.WithoutSecrets(d.Object, err).Error()}
	case d.bindsPlannedRole() && apierrors.IsNotFound(err):
		return DryRunResult{Unknown: "the role that it binds does not exist yet"}
	}
	return DryRunResult{Err: c.Refused(ctx, d.Object, err)}
}

// bindsPlannedRole reports whether the object is a binding of a role that is
// not there yet: who may not bind everything is refused until it is.
func (d DryRun) bindsPlannedRole() bool {
	group, version := d.Object.GroupVersionKind().Group, d.Object.GetAPIVersion()
	if group != "rbac.authorization.k8s.io" || d.Planned == nil {
		return false
	}
	role := corev1.ObjectReference{APIVersion: version, Kind: field.Text(d.Object, "roleRef", "kind"), Name: field.Text(d.Object, "roleRef", "name")}
	if role.Kind == "Role" {
		role.Namespace = d.Object.GetNamespace()
	}
	return d.Planned(role)
}

// withoutPlanned returns an object that is a Pod without what would have it refused
// only because it does not exist yet; any other is returned as it is.
func (d DryRun) withoutPlanned(object *unstructured.Unstructured) *unstructured.Unstructured {
	if !kinds.IsPod(object.GroupVersionKind().GroupKind()) || d.Planned == nil {
		return object
	}
	object = object.DeepCopy()
	for _, named := range []struct {
		field string
		ref   corev1.ObjectReference
	}{
		{"serviceAccountName", corev1.ObjectReference{APIVersion: "v1", Kind: "ServiceAccount", Namespace: object.GetNamespace()}},
		{"serviceAccount", corev1.ObjectReference{APIVersion: "v1", Kind: "ServiceAccount", Namespace: object.GetNamespace()}},
		{"priorityClassName", corev1.ObjectReference{APIVersion: "scheduling.k8s.io/v1", Kind: "PriorityClass"}},
		{"runtimeClassName", corev1.ObjectReference{APIVersion: "node.k8s.io/v1", Kind: "RuntimeClass"}},
	} {
		named.ref.Name = field.Text(object, "spec", named.field)
		if named.ref.Name != "" && d.Planned(named.ref) {
			unstructured.RemoveNestedField(object.Object, "spec", named.field)
		}
	}
	return object
}

// dryRunPod submits the Pod of what runs Pods.
func (c dryRunner) dryRunPod(ctx context.Context, d DryRun) DryRunResult {
	pod := podOf(d.Object)
	if pod == nil {
		return DryRunResult{}
	}
	pod = d.withoutPlanned(pod)
	err := c.DryCreate(ctx, pod, &metav1.PartialObjectMetadata{})
	switch {
	case err == nil, refusal.ExceedsQuota(err) && (d.Replaces || !kinds.IsJob(d.Object.GroupVersionKind().GroupKind())):
		// A rollout makes room for its Pods as it goes, and so does the end of a Job that is replaced.
		return DryRunResult{}
	case refusal.LacksRight(err):
		return DryRunResult{Unknown: "whether its Pods would be admitted: " + err.Error()}
	case refusal.NoDryRun(err), refusal.NoDefaultAccount(err) && field.Text(pod, "spec", "serviceAccountName") == "":
		return DryRunResult{Unknown: "whether its Pods would be admitted: " + err.Error()}
	}
	return DryRunResult{Err: fmt.Errorf("the Pods of %s: %w", kinds.NameOf(kinds.RefOf(d.Object)), err)}
}

// podOf returns a Pod as an object would make it; nil for what makes none.
func podOf(object *unstructured.Unstructured) *unstructured.Unstructured {
	path := kinds.PodTemplate(object.GroupVersionKind().GroupKind())
	if path == nil {
		return nil
	}
	template, found, err := unstructured.NestedMap(object.Object, path...)
	if !found || err != nil {
		return nil
	}
	if template["metadata"] == nil {
		// A null is as good as absent, but nothing could be set in it.
		delete(template, "metadata")
	}
	pod := &unstructured.Unstructured{Object: template}
	addClaims(pod, object)
	pod.SetAPIVersion("v1")
	pod.SetKind("Pod")
	pod.SetNamespace(object.GetNamespace())
	pod.SetName("")
	pod.SetGenerateName(object.GetName() + "-")
	// Policies that want no Pod without an owner are not about what a controller makes.
	pod.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: object.GetAPIVersion(), Kind: object.GetKind(), Name: object.GetName(), UID: "dry-run", Controller: ptr.To(true),
	}})
	return pod
}

// addClaims gives a Pod of a StatefulSet the volumes that its controller makes of
// the set's claims, in place of any of these names.
func addClaims(pod, set *unstructured.Unstructured) {
	claims, found, err := unstructured.NestedSlice(set.Object, "spec", "volumeClaimTemplates")
	if !found || err != nil {
		return
	}
	volumes, _, _ := unstructured.NestedSlice(pod.Object, "spec", "volumes")
	for _, claim := range claims {
		fields, _ := claim.(map[string]any)
		name, _, _ := unstructured.NestedString(fields, "metadata", "name")
		volumes = slices.DeleteFunc(volumes, func(volume any) bool {
			fields, _ := volume.(map[string]any)
			return fields["name"] == name
		})
		volumes = append(volumes, map[string]any{
			"name": name, "persistentVolumeClaim": map[string]any{"claimName": name + "-" + set.GetName() + "-0"},
		})
	}
	_ = unstructured.SetNestedSlice(pod.Object, volumes, "spec", "volumes")
}
