package plugin

import (
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// adviceOnImmutable says how objects that cannot be changed in place may be recreated; "" where the error is about none. With
// some kinds what they hold would be deleted: these must say so themselves.
func adviceOnImmutable(err error) string {
	const annotation = hook.OnImmutableAnnotation + ": recreate"
	holds, others := "", false
	for _, immutable := range all[*refusal.ImmutableError](err) {
		kind := schema.FromAPIVersionAndKind(immutable.Ref.APIVersion, immutable.Ref.Kind).GroupKind()
		if kinds.Irreplaceable(kind) {
			holds = immutable.Ref.Kind
		} else {
			others = true
		}
	}
	advice := ""
	if others {
		advice = "To delete and make anew what cannot be changed in place, use --recreate-immutable, or set the annotation " +
			annotation + " on the object."
	}
	if holds != "" && others {
		advice += "\n"
	}
	if holds != "" {
		advice += "Deleting a " + holds + " deletes all that it holds. If that is what you want, set the annotation " + annotation + " on the object."
	}
	return advice
}

// all returns every error of a type that an error is made of, in order; nil for none.
func all[T error](err error) []T {
	var found []T
	if match, ok := any(err).(T); ok {
		found = append(found, match)
	}
	switch wraps := any(err).(type) {
	case interface{ Unwrap() error }:
		if inner := wraps.Unwrap(); inner != nil {
			found = append(found, all[T](inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wraps.Unwrap() {
			found = append(found, all[T](inner)...)
		}
	}
	return found
}
