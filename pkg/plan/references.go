package plan

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// defaultServiceAccount is that of Pods that name none.
const defaultServiceAccount = "default"

// search follows references from object to object through the regular objects of a manifest. What a reference names and
// the manifest does not have may be on the cluster, or be a hook itself: it is not there to be found. An object whose
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
	if path := kinds.PodSpec(gvk.GroupKind()); path != nil {
		if spec, ok := decoded[corev1.PodSpec](object, path...); ok {
			s.pod(spec, namespace)
		}
		return
	}
	switch gvk.Kind + "." + gvk.Group {
	case "ServiceAccount.":
		if account, ok := decoded[corev1.ServiceAccount](object); ok {
			s.pullSecrets(account.ImagePullSecrets, namespace)
		}
	case "PersistentVolumeClaim.":
		if claim, ok := decoded[corev1.PersistentVolumeClaim](object); ok {
			s.volumeOf(claim.Spec)
		}
	case "PersistentVolume.":
		if volume, ok := decoded[corev1.PersistentVolume](object); ok {
			s.volumeSecrets(volume.Spec)
		}
	case "RoleBinding." + rbacv1.GroupName, "ClusterRoleBinding." + rbacv1.GroupName:
		if binding, ok := decoded[rbacv1.RoleBinding](object); ok {
			s.role(binding.RoleRef, namespace)
		}
	}
}

// decoded reads an object, or the part of it at a path, as a type.
func decoded[T any](object manifest.Object, path ...string) (value T, ok bool) {
	part, found, err := unstructured.NestedFieldNoCopy(object.Object, path...)
	fields, isMap := part.(map[string]any)
	if err != nil || !found || !isMap {
		return value, false
	}
	return value, runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &value) == nil
}

// definition adds the definition of a kind that the manifest brings.
func (s *search) definition(kind schema.GroupKind) {
	for _, object := range s.objects {
		if gvk := object.GroupVersionKind(); !kinds.IsDefinition(gvk.GroupKind()) {
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

func (s *search) role(ref rbacv1.RoleRef, namespace string) {
	if ref.Kind == "ClusterRole" {
		namespace = ""
	}
	s.find(kinds.Key{Group: rbacv1.GroupName, Kind: ref.Kind, Namespace: namespace, Name: ref.Name})
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
		binding, ok := decoded[rbacv1.RoleBinding](object)
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

// referencesOf are the Secrets, ConfigMaps and claims that the containers and volumes of a Pod refer to; only those that it
// cannot start without, if so wanted.
func referencesOf(spec corev1.PodSpec, namespace string, required bool) []kinds.Key {
	refs := podRefs{namespace: namespace, required: required}
	for _, volume := range spec.Volumes {
		refs.volume(volume)
	}
	for _, container := range slices.Concat(spec.InitContainers, spec.Containers) {
		refs.container(container.Env, container.EnvFrom)
	}
	for _, container := range spec.EphemeralContainers {
		refs.container(container.Env, container.EnvFrom)
	}
	return refs.keys
}

// podRefs collects what the containers and volumes of a Pod refer to.
type podRefs struct {
	namespace string
	// required leaves out what may be missing.
	required bool
	keys     []kinds.Key
}

// add adds a reference, which is optional or not; nil is not.
func (r *podRefs) add(kind, name string, optional *bool) {
	if !r.required || !ptr.Deref(optional, false) {
		r.keys = append(r.keys, kinds.Key{Kind: kind, Namespace: r.namespace, Name: name})
	}
}

func (r *podRefs) container(env []corev1.EnvVar, from []corev1.EnvFromSource) {
	for _, variable := range env {
		if source := variable.ValueFrom; source != nil {
			if ref := source.SecretKeyRef; ref != nil {
				r.add("Secret", ref.Name, ref.Optional)
			}
			if ref := source.ConfigMapKeyRef; ref != nil {
				r.add("ConfigMap", ref.Name, ref.Optional)
			}
		}
	}
	for _, source := range from {
		if ref := source.SecretRef; ref != nil {
			r.add("Secret", ref.Name, ref.Optional)
		}
		if ref := source.ConfigMapRef; ref != nil {
			r.add("ConfigMap", ref.Name, ref.Optional)
		}
	}
}

// Indispensable is what the Pods of a Job or Pod cannot start without; nothing for all others.
func Indispensable(object manifest.Object) []kinds.Key {
	gvk, namespace := object.GroupVersionKind(), object.GetNamespace()
	if !kinds.RunsPods(gvk.GroupKind()) {
		return nil
	}
	spec, ok := decoded[corev1.PodSpec](object, kinds.PodSpec(gvk.GroupKind())...)
	if !ok {
		return nil
	}
	needed := referencesOf(spec, namespace, true)
	if spec.ServiceAccountName != "" {
		needed = append(needed, kinds.Key{Kind: "ServiceAccount", Namespace: namespace, Name: spec.ServiceAccountName})
	}
	return needed
}
