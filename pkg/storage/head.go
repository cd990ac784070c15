package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// layout is how many parts a revision has, and what its payload must add up to.
type layout struct {
	payload, inventory, former int
	digest                     string
}

// encodeHead returns the head of a new revision, as this run writes it.
func encodeHead(r *release.Release, parts layout, run string) (*corev1.Secret, error) {
	status, err := json.Marshal(stored(r.Status))
	if err != nil {
		return nil, err
	}
	annotations := statusAnnotations(r)
	for key, value := range map[string]string{
		annotationFormat:         strconv.Itoa(release.FormatVersion),
		annotationPack:           r.Spec.Pack.Name,
		annotationPackVersion:    r.Spec.Pack.Version,
		annotationAppVersion:     r.Spec.Pack.AppVersion,
		annotationFromRevision:   strconv.Itoa(r.Spec.FromRevision),
		annotationDescription:    truncate(r.Spec.Description, maxMessage),
		annotationPayloadParts:   strconv.Itoa(parts.payload),
		annotationPayloadDigest:  parts.digest,
		annotationInventoryParts: strconv.Itoa(parts.inventory),
	} {
		annotations[key] = value
	}
	if r.Spec.FromHelm != 0 {
		annotations[annotationFromHelm] = strconv.Itoa(r.Spec.FromHelm)
	}
	if r.Spec.Provenance != nil {
		if annotations[annotationProvenance], err = encodeProvenance(*r.Spec.Provenance); err != nil {
			return nil, err
		}
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: headName(r.Name, r.Spec.Revision), Namespace: r.Namespace, Annotations: annotations,
			Labels: map[string]string{
				labelOwner: owner, labelName: r.Name, labelVersion: strconv.Itoa(r.Spec.Revision), labelRun: run,
				labelStatus: string(r.Status.Phase),
			},
		},
		Type: headType,
		Data: map[string][]byte{statusKey: status},
	}, nil
}

// truncate cuts a text to at most limit bytes, at the end of a character. Bytes that are no character are skipped.
func truncate(text string, limit int) string {
	return strings.ToValidUTF8(text[:min(len(text), limit)], "")
}

// decodeHead reads what lists show from the metadata of a head, whose name says which revision it is. Damage is noted in the
// release; what a newer version wrote is an error.
func decodeHead(head *metav1.ObjectMeta) (*release.Release, error) {
	damage := checkHead(head)
	if errors.Is(damage, ErrNewerFormat) {
		return nil, damage
	}
	name, revision := parseHeadName(head.Name)
	r := release.New(name, head.Namespace, revision)
	r.Record.Damage.Head = damage
	r.UID, r.ResourceVersion, r.CreationTimestamp = head.UID, head.ResourceVersion, head.CreationTimestamp
	r.Spec.Pack = release.Pack{
		Name: head.Annotations[annotationPack], Version: head.Annotations[annotationPackVersion],
		AppVersion: head.Annotations[annotationAppVersion],
	}
	r.Spec.FromRevision, _ = strconv.Atoi(head.Annotations[annotationFromRevision])
	r.Spec.FromHelm, _ = strconv.Atoi(head.Annotations[annotationFromHelm])
	r.Spec.Description = head.Annotations[annotationDescription]
	r.Spec.Provenance = decodeProvenance(head.Annotations[annotationProvenance])
	if phase := release.Phase(head.Labels[labelStatus]); phase.Known() {
		r.Status.Phase = phase
	}
	r.Status.Operation = release.Operation(head.Annotations[annotationOperation])
	r.Status.Message, r.Status.Cause = head.Annotations[annotationMessage], head.Annotations[annotationCause]
	if updated, err := time.Parse(time.RFC3339, head.Annotations[annotationUpdated]); err == nil {
		if r.Status.Phase.Pending() {
			r.Status.StartedAt = &metav1.Time{Time: updated}
		} else {
			r.Status.FinishedAt = &metav1.Time{Time: updated}
		}
	}
	return r, nil
}

// checkHead reports what is wrong with the metadata of a head.
func checkHead(head *metav1.ObjectMeta) error {
	if err := checkFormat(head); err != nil {
		return err
	}
	if !named(head) {
		return fmt.Errorf("secret %s/%s: %w: its labels and its name do not name the same release and revision",
			head.Namespace, head.Name, ErrDamaged)
	}
	switch status := head.Labels[labelStatus]; {
	case status == "":
		return fmt.Errorf("secret %s/%s: %w: it has no label %q", head.Namespace, head.Name, ErrDamaged, labelStatus)
	case !release.Phase(status).Known():
		return fmt.Errorf("secret %s/%s: %w: its label %q says %q, which is not a state of a release",
			head.Namespace, head.Name, ErrDamaged, labelStatus, status)
	}
	return nil
}

// UnlistedError is a head that lists do not find, because its labels say something else. It is not overwritten, and neither
// are its parts removed.
type UnlistedError struct {
	Namespace, Secret string
	// Labels are those that it should have, and, empty, one that it should not.
	Labels map[string]string
}

// Error names the Secret.
func (e *UnlistedError) Error() string {
	return fmt.Sprintf("secret %s/%s: %v: its labels do not say whose revision it is, so that it is not found",
		e.Namespace, e.Secret, ErrDamaged)
}

// Unwrap returns ErrDamaged.
func (e *UnlistedError) Unwrap() error { return ErrDamaged }

// checkListed refuses a head that lists do not find.
func checkListed(head *metav1.ObjectMeta) error {
	name, revision := parseHeadName(head.Name)
	if headSelector().Add(nameRequirement(name)...).Matches(labels.Set(head.Labels)) {
		return nil
	}
	wanted := map[string]string{labelOwner: owner, labelName: name, labelVersion: strconv.Itoa(revision)}
	if _, isPart := head.Labels[labelPart]; isPart {
		wanted[labelPart] = ""
	}
	return &UnlistedError{Namespace: head.Namespace, Secret: head.Name, Labels: wanted}
}

// checkFormat refuses what a newer version wrote: it may mean something else there.
func checkFormat(secret *metav1.ObjectMeta) error {
	version, err := strconv.Atoi(secret.Annotations[annotationFormat])
	switch {
	case err != nil:
		return fmt.Errorf("secret %s/%s: %w: it has no format version", secret.Namespace, secret.Name, ErrDamaged)
	case version > release.FormatVersion:
		return fmt.Errorf("secret %s/%s: %w: it has format version %d, this one reads up to %d",
			secret.Namespace, secret.Name, ErrNewerFormat, version, release.FormatVersion)
	}
	return nil
}
