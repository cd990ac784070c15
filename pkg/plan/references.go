package plan

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// Indispensable is what the Pods of a Job or Pod cannot start without; nothing for all others.
func Indispensable(object manifest.Object) []kinds.Key {
	if !kinds.RunsPods(object.GroupKind()) {
		return nil
	}
	return References(object)
}

// References is what must exist for an object to be of use: what its Pods cannot start without, the Services behind an Ingress,
// and the role of a binding. Names of the namespace that the object is in have the namespace that it says, which may be none.
func References(object manifest.Object) []kinds.Key {
	namespace, kind := object.GetNamespace(), object.GroupKind()
	if spec, found := object.PodSpec(); found {
		return neededBy(spec, namespace)
	}
	switch kind.String() {
	case "Ingress." + networkingv1.GroupName:
		if spec, ok := manifest.Part[networkingv1.IngressSpec](object, "spec"); ok {
			return backends(spec, namespace)
		}
	case "RoleBinding." + rbacv1.GroupName, "ClusterRoleBinding." + rbacv1.GroupName:
		if binding, ok := manifest.Part[rbacv1.RoleBinding](object); ok {
			return []kinds.Key{roleOf(binding.RoleRef, namespace)}
		}
	}
	return nil
}

// neededBy is what a Pod cannot start without.
func neededBy(spec corev1.PodSpec, namespace string) []kinds.Key {
	needed := referencesOf(spec, namespace, true)
	if spec.ServiceAccountName != "" {
		needed = append(needed, kinds.Key{Kind: "ServiceAccount", Namespace: namespace, Name: spec.ServiceAccountName})
	}
	return needed
}

// backends are the Services that an Ingress leads to.
func backends(spec networkingv1.IngressSpec, namespace string) []kinds.Key {
	var keys []kinds.Key
	add := func(backend *networkingv1.IngressBackend) {
		if backend != nil && backend.Service != nil {
			keys = append(keys, kinds.Key{Kind: "Service", Namespace: namespace, Name: backend.Service.Name})
		}
	}
	add(spec.DefaultBackend)
	for _, rule := range spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			add(&path.Backend)
		}
	}
	return keys
}

// roleOf is the role that a binding in a namespace gives.
func roleOf(ref rbacv1.RoleRef, namespace string) kinds.Key {
	if ref.Kind == "ClusterRole" {
		namespace = ""
	}
	return kinds.Key{Group: rbacv1.GroupName, Kind: ref.Kind, Namespace: namespace, Name: ref.Name}
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
	// required skips what may be missing.
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

// volume adds what a volume of the Pod is made of.
func (r *podRefs) volume(volume corev1.Volume) {
	if source := volume.Secret; source != nil {
		r.add("Secret", source.SecretName, source.Optional)
	}
	if source := volume.ConfigMap; source != nil {
		r.add("ConfigMap", source.Name, source.Optional)
	}
	if source := volume.PersistentVolumeClaim; source != nil {
		r.add("PersistentVolumeClaim", source.ClaimName, nil)
	}
	if source := volume.Projected; source != nil {
		for _, projected := range source.Sources {
			r.projected(projected)
		}
	}
	r.secretsOf(volume.VolumeSource)
}

func (r *podRefs) projected(source corev1.VolumeProjection) {
	if ref := source.Secret; ref != nil {
		r.add("Secret", ref.Name, ref.Optional)
	}
	if ref := source.ConfigMap; ref != nil {
		r.add("ConfigMap", ref.Name, ref.Optional)
	}
}

// secretsOf adds the Secrets with which a volume is mounted. None of them may be missing.
func (r *podRefs) secretsOf(volume corev1.VolumeSource) {
	var refs []*corev1.LocalObjectReference
	if source := volume.AzureFile; source != nil {
		refs = append(refs, &corev1.LocalObjectReference{Name: source.SecretName})
	}
	if source := volume.CephFS; source != nil {
		refs = append(refs, source.SecretRef)
	}
	if source := volume.Cinder; source != nil {
		refs = append(refs, source.SecretRef)
	}
	if source := volume.CSI; source != nil {
		refs = append(refs, source.NodePublishSecretRef)
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
	if source := volume.StorageOS; source != nil {
		refs = append(refs, source.SecretRef)
	}
	for _, ref := range refs {
		if ref != nil {
			r.add("Secret", ref.Name, nil)
		}
	}
}
