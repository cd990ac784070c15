package kube

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ImmutableError tells that an object could be applied but for fields that
// cannot be changed in place. It is not given where other fields are invalid,
// too.
type ImmutableError struct {
	// Ref names the object.
	Ref corev1.ObjectReference
	// Problems are in the server's order; there is at least one. They have the
	// server's words without the values, which may be long, or secret.
	Problems []FieldProblem

	err error
}

// Error lists each field.
func (e *ImmutableError) Error() string {
	return fmt.Sprintf("apply %s: immutable: %s", kinds.NameOf(e.Ref), joinProblems(e.Problems))
}

// Unwrap returns the server's error.
func (e *ImmutableError) Unwrap() error { return e.err }

// immutable matches how the API server and its kinds word that a field may
// not be changed in place, or not in this direction.
var immutable = regexp.MustCompile(`(?i)\b(is|are) immutable\b|` +
	`\b(may not|can ?not|can't) (be )?(changed?|modified|updated)\b|\bcan only be modified\b|` +
	`\bupdates (to \S+ (spec for fields other than|are forbidden)|may not (change fields|add or remove))|` +
	`\bless than (or equal to )?(previous value|status\.capacity)|` +
	`\bfailed rule: self == oldSelf$`)

// invalid tells fields that cannot be changed from fields that are wrong.
func invalid(ref corev1.ObjectReference, status metav1.Status, err error) error {
	if slices.ContainsFunc(causes(status), func(cause metav1.StatusCause) bool { return cause.Field == "metadata.uid" }) {
		return fmt.Errorf("apply %s: %w: %w", kinds.NameOf(ref), ErrReplaced, err)
	}
	var problems []FieldProblem
	for _, cause := range causes(status) {
		if isOwnLabel(ref, cause) {
			continue
		}
		problem := FieldProblem{Field: cause.Field, Message: withoutValue(cause.Message)}
		if !immutable.MatchString(problem.Message) {
			return fmt.Errorf("apply %s: %w", kinds.NameOf(ref), err)
		}
		if !slices.Contains(problems, problem) {
			problems = append(problems, problem)
		}
	}
	if len(problems) == 0 {
		return fmt.Errorf("apply %s: %w", kinds.NameOf(ref), err)
	}
	return &ImmutableError{Ref: ref, Problems: problems, err: err}
}

// isOwnLabel tells what is said of the labels that the server gives the Pods of a
// Job: they go with the last field of the template's metadata that was applied. That
// the template may not be changed is said beside it.
func isOwnLabel(ref corev1.ObjectReference, cause metav1.StatusCause) bool {
	const labels = "spec.template.metadata.labels"
	return kinds.IsJob(kinds.Of(ref).GroupKind()) && strings.HasPrefix(cause.Field, labels) &&
		(cause.Type == metav1.CauseTypeFieldValueRequired || strings.HasSuffix(cause.Message, "`selector` does not match template `labels`"))
}

// withoutValue is the explanation in a message on a field, which may begin
// with the sort of the problem and the value, and end with a comparison of
// the values on lines of its own.
func withoutValue(message string) string {
	if text, shown := strings.CutPrefix(message, "Invalid value: "); shown {
		message = afterValue(text)
	}
	message, _, _ = strings.Cut(strings.TrimPrefix(message, "Forbidden: "), "\n")
	return strings.TrimSuffix(message, ".")
}

// afterValue is what follows a value in Go's or JSON's notation and a colon. A
// value in another notation ends with the last colon; none may be shown.
func afterValue(text string) string {
	rest := text
	if text, err := strconv.QuotedPrefix(text); err == nil {
		rest = rest[len(text):]
	} else if value := json.NewDecoder(strings.NewReader(rest)); value.Decode(new(json.RawMessage)) == nil {
		rest = rest[value.InputOffset():]
	}
	if after, found := strings.CutPrefix(rest, ": "); found {
		return after
	}
	return text[strings.LastIndex(": "+text, ": "):]
}
