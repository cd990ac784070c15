// Package refusal says what an answer of the API server means, without the values of Secrets.
package refusal

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// ErrGone is wrapped by the error of an applied object that carries a UID and
// no longer exists: nothing was created in its place.
var ErrGone = errors.New("the object is gone")

// ErrReplaced is wrapped by the error of an applied object that carries a UID
// while another object of that name has taken its place, or that may only be
// created while there is one: nothing was changed.
var ErrReplaced = errors.New("another object has taken its place")

// FieldConflict is a field that another field manager owns.
type FieldConflict struct {
	// Manager is the owner's name.
	Manager string
	// Field is the field's path, with a leading dot.
	Field string
}

// ConflictError tells that fields of an applied object belong to others.
type ConflictError struct {
	// Ref names the object.
	Ref corev1.ObjectReference
	// Conflicts are in the server's order; there is at least one.
	Conflicts []FieldConflict

	err error
}

// Error lists each field and its owner.
func (e *ConflictError) Error() string {
	var fields []string
	for _, conflict := range e.Conflicts {
		fields = append(fields, fmt.Sprintf("%s is managed by %q", conflict.Field, conflict.Manager))
	}
	return fmt.Sprintf("applying %s: conflict: %s", kinds.NameOf(e.Ref), strings.Join(fields, ", "))
}

// Unwrap returns the server's error.
func (e *ConflictError) Unwrap() error { return e.err }

// FieldProblem is a field and what is wrong with it.
type FieldProblem struct {
	// Field is the field's path, without a leading dot.
	Field string
	// Message says what is wrong with it; never the value of a Secret.
	Message string
}

func (p FieldProblem) String() string { return p.Field + ": " + p.Message }

// InvalidFieldsError tells that an object has fields its kind does not have,
// has fields twice, or has values of the wrong type.
type InvalidFieldsError struct {
	// Ref names the object.
	Ref corev1.ObjectReference
	// Problems are in the server's order; there is at least one.
	Problems []FieldProblem

	err error
}

// Error lists each field.
func (e *InvalidFieldsError) Error() string {
	return fmt.Sprintf("applying %s: invalid fields: %s", kinds.NameOf(e.Ref), joinProblems(e.Problems))
}

// Unwrap returns the server's error.
func (e *InvalidFieldsError) Unwrap() error { return e.err }

// NotServedError tells that the server does not know a kind.
type NotServedError struct {
	// Ref has the kind, and names the object where there is one.
	Ref corev1.ObjectReference

	err error
}

// Error names the kind.
func (e *NotServedError) Error() string {
	text := fmt.Sprintf("the server does not serve kind %s of %s", e.Ref.Kind, e.Ref.APIVersion)
	if e.Ref.Name != "" {
		return fmt.Sprintf("applying %s: %s", kinds.NameOf(e.Ref), text)
	}
	return text
}

// Unwrap returns the mapper's error, of which meta.IsNoMatchError is true.
func (e *NotServedError) Unwrap() error { return e.err }

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
	return fmt.Sprintf("applying %s: immutable: %s", kinds.NameOf(e.Ref), joinProblems(e.Problems))
}

// Unwrap returns the server's error.
func (e *ImmutableError) Unwrap() error { return e.err }

func joinProblems(problems []FieldProblem) string {
	var words []string
	for _, problem := range problems {
		words = append(words, problem.String())
	}
	return strings.Join(words, ", ")
}

// Classify turns an error of an apply into the type that says what it means.
func Classify(ref corev1.ObjectReference, err error) error {
	var status apierrors.APIStatus
	switch {
	case meta.IsNoMatchError(err):
		return &NotServedError{Ref: ref, err: err}
	case !errors.As(err, &status):
		return fmt.Errorf("applying %s: %w", kinds.NameOf(ref), err)
	}
	switch {
	case IsTypedPatch(err):
		return &InvalidFieldsError{Ref: ref, Problems: typedProblems(ref, err), err: err}
	case IsStrict(err):
		return &InvalidFieldsError{Ref: ref, Problems: strictProblems(err), err: err}
	case apierrors.IsConflict(err):
		return conflict(ref, status.Status(), err)
	case apierrors.IsInvalid(err):
		return invalid(ref, status.Status(), err)
	}
	return fmt.Errorf("applying %s: %w", kinds.NameOf(ref), err)
}

var quoted = regexp.MustCompile(`"([^"]*)"`)

func conflict(ref corev1.ObjectReference, status metav1.Status, err error) error {
	if strings.Contains(status.Message, "uid mismatch") {
		return fmt.Errorf("applying %s: %w: %w", kinds.NameOf(ref), ErrGone, err)
	}
	var conflicts []FieldConflict
	for _, cause := range causes(status) {
		if cause.Type != metav1.CauseTypeFieldManagerConflict {
			continue
		}
		manager := cause.Message
		if match := quoted.FindStringSubmatch(cause.Message); match != nil {
			manager = match[1]
		}
		conflicts = append(conflicts, FieldConflict{Manager: manager, Field: cause.Field})
	}
	// The server names them in any order.
	slices.SortStableFunc(conflicts, func(a, b FieldConflict) int { return cmp.Compare(a.Field, b.Field) })
	if len(conflicts) == 0 {
		return fmt.Errorf("applying %s: %w", kinds.NameOf(ref), err)
	}
	return &ConflictError{Ref: ref, Conflicts: conflicts, err: err}
}

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
		return fmt.Errorf("applying %s: %w: %w", kinds.NameOf(ref), ErrReplaced, err)
	}
	var problems []FieldProblem
	for _, cause := range causes(status) {
		if isOwnLabel(ref, cause) {
			continue
		}
		problem := FieldProblem{Field: cause.Field, Message: withoutValue(cause.Message)}
		if !immutable.MatchString(problem.Message) {
			return fmt.Errorf("applying %s: %w", kinds.NameOf(ref), err)
		}
		if !slices.Contains(problems, problem) {
			problems = append(problems, problem)
		}
	}
	if len(problems) == 0 {
		return fmt.Errorf("applying %s: %w", kinds.NameOf(ref), err)
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

func causes(status metav1.Status) []metav1.StatusCause {
	if status.Details == nil {
		return nil
	}
	return status.Details.Causes
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

var strict = regexp.MustCompile(`(unknown|duplicate) field "([^"]+)"`)

// IsStrict reports whether an error is a strict decoding error, which names all fields that the kind does not have, and all that
// are there twice.
func IsStrict(err error) bool { return apierrors.IsBadRequest(err) && strictProblems(err) != nil }

// strictProblems reads the fields out of a strict decoding error; nil when it
// is none.
func strictProblems(err error) []FieldProblem {
	var problems []FieldProblem
	for _, match := range strict.FindAllStringSubmatch(err.Error(), -1) {
		problems = append(problems, FieldProblem{Field: match[2], Message: match[1] + " field"})
	}
	return problems
}

var typedLine = regexp.MustCompile(`(?m)(?:^|: )\s*\.?(\S+): ([^\n]+)$`)

// goValue is how the API server's merge library shows a value that has the wrong type: as a Go struct around it.
var goValue = regexp.MustCompile(`&value\.valueUnstructured\{Value:(.*)\}`)

// typedSecret is typedLine for Secrets: it omits the value, which may
// look like anything, further lines included.
var typedSecret = regexp.MustCompile(`(?m)(?:^|: )\s*\.?(\S+): (expected [^,\n]+), got `)

// typedProblems reads the fields out of the refusal of server-side apply; what
// does not look like one stays one problem without a path.
func typedProblems(ref corev1.ObjectReference, err error) []FieldProblem {
	_, after, _ := strings.Cut(err.Error(), typedPatch)
	_, lines, _ := strings.Cut(after, "): ")
	line, rest := typedLine, strings.TrimSpace(lines)
	if kinds.Of(ref).GroupKind() == (schema.GroupKind{Kind: "Secret"}) {
		line, rest = typedSecret, "it is not a valid Secret"
	}
	var problems []FieldProblem
	for _, match := range line.FindAllStringSubmatch(lines, -1) {
		problems = append(problems, FieldProblem{Field: match[1], Message: goValue.ReplaceAllString(match[2], "$1")})
	}
	if len(problems) == 0 {
		problems = []FieldProblem{{Field: "object", Message: rest}}
	}
	return problems
}
