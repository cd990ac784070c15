package storage

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// The labels of what is stored. Heads have a status and no part; parts the other way round.
const (
	labelOwner   = "owner"
	labelName    = "name"
	labelVersion = "version"
	labelStatus  = "status"
	labelPart    = "part"
	labelRun     = "run"

	owner = "sherpack"
)

// The annotations of heads: what lists show, and what belongs to the record.
const (
	annotationFormat         = "sherpack.io/format-version"
	annotationPack           = "sherpack.io/pack"
	annotationPackVersion    = "sherpack.io/pack-version"
	annotationAppVersion     = "sherpack.io/app-version"
	annotationOperation      = "sherpack.io/operation"
	annotationMessage        = "sherpack.io/message"
	annotationCause          = "sherpack.io/cause"
	annotationUpdated        = "sherpack.io/updated"
	annotationFromRevision   = "sherpack.io/from-revision"
	annotationFromHelm       = "sherpack.io/from-helm"
	annotationDescription    = "sherpack.io/description"
	annotationProvenance     = "sherpack.io/provenance"
	annotationPayloadParts   = "sherpack.io/payload-parts"
	annotationPayloadDigest  = "sherpack.io/payload-sha256"
	annotationInventoryParts = "sherpack.io/inventory-parts"
	// annotationWriter is the run that wrote a part of an inventory last, or what adopted objects were.
	annotationWriter = "sherpack.io/writer"
	// annotationFirst and annotationCount are on the parts that say what adopted objects were: the number of the first that
	// was written with a part, and how many these are.
	annotationFirst = "sherpack.io/first"
	annotationCount = "sherpack.io/count"
)

// The types of the stored Secrets.
const (
	headType      corev1.SecretType = "sherpack.io/release.v1"
	payloadType   corev1.SecretType = "sherpack.io/release-payload.v1"
	inventoryType corev1.SecretType = "sherpack.io/release-inventory.v1"
	formerType    corev1.SecretType = "sherpack.io/release-former.v1"
)

const (
	statusKey = "status"
	partKey   = "part"

	fieldManager = "sherpack"
	// parallel is how many requests are under way at once.
	parallel = 16
	// parallelParts is the same where each is large: it is in the memory several times while it is sent.
	parallelParts = 4
	// metadataOnly asks for answers without content.
	metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
	// maxMessage bounds what people or programs say in an annotation of a head, in bytes.
	maxMessage = 1024
)

func headName(name string, revision int) string { return headPrefix(name) + strconv.Itoa(revision) }

// headPrefix is how the names of all that is stored of a release begin.
func headPrefix(name string) string { return namePrefix + name + ".v" }

// namePrefix is how the names of all stored Secrets begin.
const namePrefix = "sh.sherpack.release.v1."

// revisionOf returns the revision that a stored Secret belongs to; 0 where its labels do not say it.
func revisionOf(secret *metav1.ObjectMeta) int {
	revision, err := strconv.Atoi(secret.Labels[labelVersion])
	if err != nil {
		return 0
	}
	return revision
}

// parseHeadName returns the release and the revision that a Secret's name says it is the head of; 0 where it says none.
func parseHeadName(secret string) (name string, revision int) {
	rest, ours := strings.CutPrefix(secret, namePrefix)
	at := strings.LastIndex(rest, ".v")
	if !ours || at < 0 {
		return "", 0
	}
	name = rest[:at]
	revision, err := strconv.Atoi(rest[at+len(".v"):])
	if err != nil || revision < 1 || secret != headName(name, revision) {
		return "", 0
	}
	return name, revision
}

// named reports whether the labels of a head and its name name the same revision of the same release.
func named(head *metav1.ObjectMeta) bool {
	revision := revisionOf(head)
	return revision > 0 && head.Name == headName(head.Labels[labelName], revision)
}

// partName names a part. The run in it keeps two runs that write the same revision apart.
func partName(r *release.Release, run, kind string, number int) string {
	return fmt.Sprintf("%s.%s-%s-%d", headName(r.Name, r.Spec.Revision), kind, run, number)
}

// revisionLabels are the labels of all that is stored of a revision, whichever run stored it.
func revisionLabels(name string, revision int) labels.Set {
	return labels.Set{labelOwner: owner, labelName: name, labelVersion: strconv.Itoa(revision)}
}

// headSelector selects all that is no part: a head may have lost its status.
func headSelector() labels.Selector {
	return labels.SelectorFromSet(labels.Set{labelOwner: owner}).Add(requirement(labelPart, selection.DoesNotExist)...)
}

// HeadSelector selects the heads of a release, whose metadata and status change with it.
func HeadSelector(name string) string { return headSelector().Add(nameRequirement(name)...).String() }

func nameRequirement(name string) []labels.Requirement {
	requirements, _ := labels.SelectorFromSet(labels.Set{labelName: name}).Requirements()
	return requirements
}

// has requires a label to be there.
func has(label string) []labels.Requirement { return requirement(label, selection.Exists) }

// requirement requires a label to be there, or not to be. The key is one of ours, so the requirement is always valid.
func requirement(label string, operator selection.Operator) []labels.Requirement {
	requirement, err := labels.NewRequirement(label, operator, nil)
	if err != nil {
		return nil
	}
	return []labels.Requirement{*requirement}
}

func compareRevisions(a, b *release.Release) int {
	return cmp.Or(
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Spec.Revision, b.Spec.Revision),
	)
}

func partLabels(r *release.Release, run, kind string, number int) map[string]string {
	return map[string]string{
		labelOwner: owner, labelName: r.Name, labelVersion: strconv.Itoa(r.Spec.Revision), labelRun: run,
		labelPart: fmt.Sprintf("%s-%d", kind, number),
	}
}
