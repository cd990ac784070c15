package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// appliedEarly are the regular objects of the manifest that the hooks before the work need, so that they are applied before
// these. Rollbacks need none: what the hooks of the revision that is left refer to is there.
func (c *content) appliedEarly(request Request) map[kinds.Key]bool {
	phase := CourseOf(request.Operation).Before
	if phase != hook.PreInstall && phase != hook.PreUpgrade || request.Options.Skips(phase) {
		return nil
	}
	search := newSearch(c.regular)
	for _, h := range c.inPhases(phase) {
		c.addNeeds(search, h, request.Release.Namespace)
	}
	return search.found
}

// addNeeds adds what a hook needs to a search.
func (c *content) addNeeds(search *search, h Hook, namespace string) {
	if h.NeedsNothing {
		return
	}
	// What does not exist was refused before.
	named, _ := c.named(h, namespace)
	for _, object := range named {
		search.add(object)
	}
	if kinds.RunsPods(h.Object.GroupKind()) {
		search.follow(h.Object)
	}
}

// named returns the regular objects that the annotation of a hook names. They are in the namespace of the hook, which is
// that of the release where the hook says nothing, or in none. A name that does not mean exactly one is an *InputError.
func (c *content) named(h Hook, namespace string) ([]manifest.Object, error) {
	if len(h.Needs) == 0 {
		return nil, nil
	}
	namespace = cmp.Or(h.Object.GetNamespace(), namespace)
	reach := inReach(c.regular, namespace)
	var found []manifest.Object
	var errs []error
	for _, need := range h.Needs {
		meant := slices.DeleteFunc(slices.Clone(reach), func(object manifest.Object) bool {
			return !need.Means(object.GroupKind(), object.GetName())
		})
		switch len(meant) {
		case 0:
			errs = append(errs, wrong(h.Node, h.Object, hook.NeedsAnnotation, fmt.Sprintf(
				"the pack has no resource %s in namespace %s that is no hook%s", need, namespace, instead(need, reach))))
		case 1:
			found = append(found, meant[0])
		default:
			errs = append(errs, wrong(h.Node, h.Object, hook.NeedsAnnotation, fmt.Sprintf("%s may be any of %s", need, titles(meant))))
		}
	}
	return found, errors.Join(errs...)
}

// inReach returns the objects that are in a namespace or in none.
func inReach(objects []manifest.Object, namespace string) []manifest.Object {
	return slices.DeleteFunc(slices.Clone(objects), func(object manifest.Object) bool {
		return object.GetNamespace() != "" && object.GetNamespace() != namespace
	})
}

// instead lists what may have been meant: resources of that kind or of that name, else all.
func instead(need hook.Need, reach []manifest.Object) string {
	near := slices.DeleteFunc(slices.Clone(reach), func(object manifest.Object) bool {
		return object.GetName() != need.Name && !need.IsKind(object.GroupKind())
	})
	if len(near) == 0 {
		near = reach
	}
	if len(near) == 0 {
		return ""
	}
	return "; it has " + titles(near)
}

// titles are objects as the annotation names them.
func titles(objects []manifest.Object) string {
	var names []string
	for _, object := range objects {
		gvk := object.GroupVersionKind()
		names = append(names, hook.Need{Kind: strings.ToLower(gvk.Kind), Group: gvk.Group, Name: object.GetName()}.String())
	}
	return words.List(names, words.Many)
}

// defaultServiceAccount is that of Pods that name none.
const defaultServiceAccount = "default"

// search follows references from object to object through the regular objects of a manifest. What a reference names and
// the manifest does not have may be on the cluster, or be a hook itself: it cannot be found. An object whose
// fields have other types than its kind gives them refers to nothing; the API server will refuse it.
type search struct {
	objects map[kinds.Key]manifest.Object
	found   map[kinds.Key]bool
}

func newSearch(objects []manifest.Object) *search {
	s := &search{objects: map[kinds.Key]manifest.Object{}, found: map[kinds.Key]bool{}}
	for _, object := range objects {
		s.objects[object.Key()] = object
	}
	return s
}

// find adds the object that a reference names, if the manifest has it.
func (s *search) find(key kinds.Key) {
	if object, there := s.objects[key]; there && key.Name != "" {
		s.add(object)
	}
}

// add adds an object, and all that it needs to be of use.
func (s *search) add(object manifest.Object) {
	key := object.Key()
	if s.found[key] {
		return
	}
	s.found[key] = true
	s.follow(object)
}

// follow adds what an object needs.
func (s *search) follow(object manifest.Object) {
	gvk := object.GroupVersionKind()
	namespace := object.GetNamespace()
	if !kinds.BuiltIn(gvk.Group) {
		s.definition(gvk.GroupKind())
		return
	}
	if spec, found := object.PodSpec(); found {
		s.pod(spec, namespace)
		return
	}
	switch gvk.Kind + "." + gvk.Group {
	case "ServiceAccount.":
		if account, ok := manifest.Part[corev1.ServiceAccount](object); ok {
			s.pullSecrets(account.ImagePullSecrets, namespace)
		}
	case "PersistentVolumeClaim.":
		if claim, ok := manifest.Part[corev1.PersistentVolumeClaim](object); ok {
			s.volumeOf(claim.Spec)
		}
	case "PersistentVolume.":
		if volume, ok := manifest.Part[corev1.PersistentVolume](object); ok {
			s.volumeSecrets(volume.Spec)
		}
	case "RoleBinding." + rbacv1.GroupName, "ClusterRoleBinding." + rbacv1.GroupName:
		if binding, ok := manifest.Part[rbacv1.RoleBinding](object); ok {
			s.find(roleOf(binding.RoleRef, namespace))
		}
	}
}

// definition adds the definition of a kind that the manifest brings.
func (s *search) definition(kind schema.GroupKind) {
	for _, object := range s.objects {
		if !kinds.IsDefinition(object.GroupKind()) {
			continue
		}
		group, _, _ := unstructured.NestedString(object.Object, "spec", "group")
		name, _, _ := unstructured.NestedString(object.Object, "spec", "names", "kind")
		if (schema.GroupKind{Group: group, Kind: name}) == kind {
			s.add(object)
		}
	}
}

// volumeOf adds what a claim gets its volume from.
func (s *search) volumeOf(spec corev1.PersistentVolumeClaimSpec) {
	s.find(kinds.Key{Kind: "PersistentVolume", Name: spec.VolumeName})
	if spec.StorageClassName != nil {
		s.find(kinds.Key{Group: "storage.k8s.io", Kind: "StorageClass", Name: *spec.StorageClassName})
	}
}

func (s *search) pullSecrets(refs []corev1.LocalObjectReference, namespace string) {
	for _, ref := range refs {
		s.find(kinds.Key{Kind: "Secret", Namespace: namespace, Name: ref.Name})
	}
}

// account adds a ServiceAccount and all that gives it rights, whether or not the manifest has the account itself.
func (s *search) account(namespace, name string) {
	s.find(kinds.Key{Kind: "ServiceAccount", Namespace: namespace, Name: name})
	for _, object := range s.objects {
		gvk := object.GroupVersionKind()
		if gvk.Group != rbacv1.GroupName || gvk.Kind != "RoleBinding" && gvk.Kind != "ClusterRoleBinding" {
			continue
		}
		binding, ok := manifest.Part[rbacv1.RoleBinding](object)
		if ok && slices.ContainsFunc(binding.Subjects, func(subject rbacv1.Subject) bool {
			return subject.Kind == rbacv1.ServiceAccountKind && subject.Namespace == namespace && subject.Name == name
		}) {
			s.add(object)
		}
	}
}

// pod adds what a Pod needs to start.
func (s *search) pod(spec corev1.PodSpec, namespace string) {
	s.account(namespace, cmp.Or(spec.ServiceAccountName, spec.DeprecatedServiceAccount, defaultServiceAccount))
	s.pullSecrets(spec.ImagePullSecrets, namespace)
	s.find(kinds.Key{Group: "scheduling.k8s.io", Kind: "PriorityClass", Name: spec.PriorityClassName})
	if spec.RuntimeClassName != nil {
		s.find(kinds.Key{Group: "node.k8s.io", Kind: "RuntimeClass", Name: *spec.RuntimeClassName})
	}
	for _, key := range referencesOf(spec, namespace, false) {
		s.find(key)
	}
}

// volumeSecrets adds the Secrets with which a PersistentVolume is attached, mounted and grown. One that names no namespace is
// in that of the claim.
func (s *search) volumeSecrets(spec corev1.PersistentVolumeSpec) {
	var refs []*corev1.SecretReference
	volume := spec.PersistentVolumeSource
	if source := volume.AzureFile; source != nil {
		refs = append(refs, &corev1.SecretReference{Name: source.SecretName, Namespace: ptr.Deref(source.SecretNamespace, "")})
	}
	if source := volume.CephFS; source != nil {
		refs = append(refs, source.SecretRef)
	}
	if source := volume.Cinder; source != nil {
		refs = append(refs, source.SecretRef)
	}
	if source := volume.CSI; source != nil {
		refs = append(refs, source.ControllerPublishSecretRef, source.NodeStageSecretRef, source.NodePublishSecretRef,
			source.ControllerExpandSecretRef, source.NodeExpandSecretRef)
	}
	if source := volume.FlexVolume; source != nil {
		refs = append(refs, source.SecretRef)
	}
	if source := volume.ISCSI; source != nil {
		refs = append(refs, source.SecretRef)
	}
	if source := volume.RBD; source != nil {
		refs = append(refs, source.SecretRef)
	}
	if source := volume.ScaleIO; source != nil {
		refs = append(refs, source.SecretRef)
	}
	if source := volume.StorageOS; source != nil && source.SecretRef != nil {
		refs = append(refs, &corev1.SecretReference{Name: source.SecretRef.Name, Namespace: source.SecretRef.Namespace})
	}
	claim := ptr.Deref(spec.ClaimRef, corev1.ObjectReference{})
	for _, ref := range refs {
		if ref != nil {
			s.find(kinds.Key{Kind: "Secret", Namespace: cmp.Or(ref.Namespace, claim.Namespace), Name: ref.Name})
		}
	}
}
