package plan

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

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
