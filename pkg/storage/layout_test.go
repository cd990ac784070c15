package storage_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

func TestLayout(t *testing.T) {
	t.Parallel()
	t.Run("what is stored", whatIsStored)
	t.Run("the payload cannot be edited", thePayloadCannotBeEdited)
}

func whatIsStored(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	create(t, newStore(t, "run1"), example(namespace, 2))
	stored := secrets(t, namespace)
	sum := sha256.Sum256(stored[payload].Data["part"])
	part := func(name, part string) corev1.Secret {
		return corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Name:        name,
				Labels:      map[string]string{"owner": "sherpack", "name": "shop", "version": "2", "run": "run1", "part": part},
				Annotations: map[string]string{"sherpack.io/format-version": "1"},
			},
			Data: map[string][]byte{"part": stored[name].Data["part"]},
		}
	}
	want := map[string]corev1.Secret{
		head: {
			ObjectMeta: metav1.ObjectMeta{
				Name:   head,
				Labels: map[string]string{"owner": "sherpack", "name": "shop", "version": "2", "status": "failed", "run": "run1"},
				Annotations: map[string]string{
					"sherpack.io/format-version": "1",
					"sherpack.io/pack":           "shop", "sherpack.io/pack-version": "1.2.0", "sherpack.io/app-version": "v2 (beta)",
					"sherpack.io/operation": "install", "sherpack.io/message": "hook pre-install/migrate failed",
					"sherpack.io/cause":   "pre-install/migrate: exit code 1",
					"sherpack.io/updated": "2026-03-01T10:04:02Z", "sherpack.io/from-revision": "1", "sherpack.io/from-helm": "7",
					"sherpack.io/description":   "for Ann: <&> ü\n\ttwo lines \x1b[31m",
					"sherpack.io/payload-parts": "1", "sherpack.io/payload-sha256": hex.EncodeToString(sum[:]), "sherpack.io/inventory-parts": "1",
				},
			},
			Type: "sherpack.io/release.v1",
			Data: map[string][]byte{"status": stored[head].Data["status"]},
		},
		payload:   part(payload, "payload-0"),
		inventory: part(inventory, "inventory-0"),
	}
	setType(want, payload, "sherpack.io/release-payload.v1", ptr.To(true))
	want[inventory].Annotations["sherpack.io/writer"] = "run1"
	setType(want, inventory, "sherpack.io/release-inventory.v1", nil)
	for name, secret := range stored {
		secret.ObjectMeta = metav1.ObjectMeta{Name: secret.Name, Labels: secret.Labels, Annotations: secret.Annotations}
		stored[name] = secret
	}
	diff(t, "the Secrets", want, stored)
}

func setType(secrets map[string]corev1.Secret, name string, kind corev1.SecretType, immutable *bool) {
	secret := secrets[name]
	secret.Type, secret.Immutable = kind, immutable
	secrets[name] = secret
}

func thePayloadCannotBeEdited(t *testing.T) {
	t.Parallel()
	r := example(clustertest.Namespace(t), 2)
	create(t, newStore(t, "run1"), r)
	secret := secrets(t, r.Namespace)[payload]
	secret.Data["part"] = []byte("other")
	if _, err := client(t, r.Namespace).Update(t.Context(), &secret, metav1.UpdateOptions{}); err == nil {
		t.Error("it was edited")
	}
}
