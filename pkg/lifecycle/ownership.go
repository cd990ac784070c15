package lifecycle

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// owner is a release, as the owner of objects.
type owner struct{ plan.Owner }

func ownerOf(r *release.Release) owner { return owner{plan.OwnerOf(r)} }

// claim says whose an object on the cluster is.
type claim int

const (
	// theirs: it belongs to somebody else, or to nobody.
	theirs claim = iota
	// ours: it belongs to the release.
	ours
	// replaced: it carries the marks of the release, but it is not the object that the release made: somebody has replaced
	// that, or restored it from a backup. It may be applied to, but it is not the release's to delete.
	replaced
)

// claimOn says whose an object on the cluster is. Its UID decides first: what the inventory names is the release's, whatever
// became of its labels, unless its annotations name another release, which has taken it over then. The marks decide about
// what has no UID on record, and after an operation that did not come to a good end, because that may have made it and not
// recorded it.
func (l *ledger) claimOn(found metav1.Object, key kinds.Key) claim {
	own, entry := ownerOf(l.release), l.entry(key)
	switch {
	case entry.UID != "" && entry.UID == found.GetUID():
		if own.takenFrom(found, entry) {
			return theirs
		}
		return ours
	case !own.Owns(found):
		return theirs
	case entry.UID == "", l.plan.Unfinished, l.plan.IsUndo, madeAtEachRun(entry):
		return ours
	}
	return replaced
}

// madeAtEachRun reports whether an object is made again whenever its hook runs, so that its UID says little: tests may run
// while the newest revision is one that failed, whose inventory does not know of that.
func madeAtEachRun(entry release.Entry) bool {
	return entry.Role == release.HookRun && kinds.RunsPods(entry.GroupKind())
}

// takenFrom reports whether an object that is on the inventory names another release as its owner.
func (o owner) takenFrom(found metav1.Object, entry release.Entry) bool {
	annotations := found.GetAnnotations()
	name, namespace := annotations[plan.AnnotationRelease], annotations[plan.AnnotationNamespace]
	if name != "" && (name != o.Name || namespace != "" && namespace != o.Namespace) {
		return true
	}
	switch helm := helmRelease(annotations); {
	case helm == "":
		return false
	case entry.Metadata == nil:
		// Nothing is known of what it said when it was applied: it may have belonged to Helm before.
		return found.GetLabels()[plan.LabelManagedBy] != plan.ManagedBy
	default:
		return helm != entry.Metadata.Helm
	}
}

// helmRelease is the release of Helm that annotations name, as namespace/name; empty where they name none.
func helmRelease(annotations map[string]string) string {
	if annotations[plan.AnnotationHelmRelease] == "" {
		return ""
	}
	return annotations[plan.AnnotationHelmNamespace] + "/" + annotations[plan.AnnotationHelmRelease]
}

// holder says who an object belongs to that is not this release's.
func (o owner) holder(found metav1.Object) string {
	annotations, label := found.GetAnnotations(), found.GetLabels()[plan.LabelManagedBy]
	other := plan.Owner{Name: annotations[plan.AnnotationRelease], Namespace: annotations[plan.AnnotationNamespace]}
	switch {
	case other.Name != "" && other != o.Owner:
		return "release " + quoted(other.Namespace) + "/" + quoted(other.Name)
	case annotations[plan.AnnotationHelmRelease] != "":
		return "Helm release " + quoted(annotations[plan.AnnotationHelmNamespace]) + "/" + quoted(annotations[plan.AnnotationHelmRelease])
	case label != "":
		return strconv.Quote(label)
	}
	return "no release"
}

// ownerPhrase says who an object belongs to that is not this release's, and what labels and annotations say so.
func (o owner) ownerPhrase(found metav1.Object) string {
	var signs []string
	add := func(kind string, values map[string]string, keys ...string) {
		for _, key := range keys {
			if value, there := values[key]; there {
				signs = append(signs, fmt.Sprintf("its %s %s=%s", kind, key, quoted(value)))
			}
		}
	}
	add("label", found.GetLabels(), plan.LabelManagedBy, plan.LabelRelease)
	add("annotation", found.GetAnnotations(), plan.AnnotationRelease, plan.AnnotationNamespace, plan.AnnotationHelmRelease, plan.AnnotationHelmNamespace)
	if len(signs) == 0 {
		return o.holder(found)
	}
	return o.holder(found) + " (" + strings.Join(signs, ", ") + ")"
}

// quoted is a value from the cluster as it stands in a message: short, on one line, and in quotes unless it is a plain word.
func quoted(value string) string {
	const long = 64
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._", r)
	}
	if len(value) > long {
		return strconv.QuoteToASCII(value[:long]) + "…"
	}
	if value == "" || strings.IndexFunc(value, func(r rune) bool { return !plain(r) }) >= 0 {
		return strconv.QuoteToASCII(value)
	}
	return value
}

// isProvisional reports whether no operation has succeeded since an object was adopted.
func (l *ledger) isProvisional(key kinds.Key) bool {
	i, found := l.index[key]
	return found && l.release.Inventory[i].Provisional
}

// formerOwner says who an object belongs to that this operation adopts, or an earlier one has adopted and not succeeded; ""
// where it is the release's own, as far as its marks tell.
func (l *ledger) formerOwner(key kinds.Key) string {
	if foreign := l.live[key].foreign; foreign != "" || !l.isProvisional(key) {
		return foreign
	}
	former := l.release.FormerOf(key)
	switch {
	case former == nil:
		return "somebody else"
	case former.Owner == ownerOf(l.release).String():
		return ""
	}
	return former.Owner
}

// notRecreated says of an object that cannot be changed in place that adopting it is why it is not recreated.
func (l *ledger) notRecreated(object manifest.Object, err error) error {
	var immutable *kube.ImmutableError
	if errors.As(err, &immutable) && l.formerOwner(object.Key()) != "" {
		return &AdoptedError{err}
	}
	return err
}

// mayDelete refuses a hook that would delete what belongs to others, before it runs or afterwards.
func (l *ledger) mayDelete(h plan.Hook) error {
	ref := h.Object.Reference()
	key := kinds.KeyOf(ref)
	deletes := kinds.RunsPods(key.GroupKind()) || h.Has(hook.BeforeHookCreation) || h.Has(hook.HookSucceeded) || h.Has(hook.HookFailed)
	owner := l.formerOwner(key)
	if !deletes || owner == "" {
		return nil
	}
	return &ForeignError{Ref: ref, Owner: owner, Hook: h.Title}
}
