package refusal

import (
	"fmt"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IsTypedPatch reports whether an error is the HTTP 500 by which server-side apply refuses fields that the kind does not have:
// it never passes by itself.
func IsTypedPatch(err error) bool {
	return err != nil && strings.Contains(err.Error(), typedPatch)
}

const typedPatch = "failed to create typed patch object"

// NoDryRun reports whether an error is the refusal of a dry-run as such: an admission webhook that has effects of its own does
// not support it.
func NoDryRun(err error) bool {
	return apierrors.IsBadRequest(err) && strings.Contains(err.Error(), "does not support dry run")
}

// ExceedsQuota reports whether an error says that a ResourceQuota has no room for the object.
func ExceedsQuota(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota")
}

var denied = regexp.MustCompile(`cannot [a-z]+ resource "|attempting to grant RBAC permissions not currently held`)

// LacksRight reports whether an error says that the user may not do this, or not give others the right to, apart from what
// admission refuses with the same code.
func LacksRight(err error) bool {
	return apierrors.IsForbidden(err) && denied.MatchString(err.Error())
}

// NoDefaultAccount reports whether an error says that a namespace is so new that its own ServiceAccount is not there yet.
func NoDefaultAccount(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), `serviceaccount "default" not found`)
}

// IsOtherUID reports whether an error is the refusal of a deletion whose precondition does not hold. Not every conflict is one.
func IsOtherUID(err error) bool {
	return apierrors.IsConflict(err) && strings.Contains(err.Error(), "UID in")
}

// IsUnserved reports whether an error says that the server does not have a path, not that an object is not there.
func IsUnserved(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// WithRequest adds to the refusal of a method what was asked, which the server does not say: it is about the path, which may
// not be the one that was meant. Other errors are returned as they are.
func WithRequest(err error, method string, path []string) error {
	if !apierrors.IsMethodNotSupported(err) {
		return err
	}
	return fmt.Errorf("%s %s: %w", method, strings.Join(path, "/"), err)
}
