package kube

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ErrGone is wrapped by the error of an applied object that carries a UID and
// no longer exists: nothing was created in its place.
var ErrGone = errors.New("the object is gone")

// ErrReplaced is wrapped by the error of an applied object that carries a UID
// while another object of that name has taken its place: nothing was changed.
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
	return fmt.Sprintf("apply %s: conflict: %s", kinds.NameOf(e.Ref), strings.Join(fields, ", "))
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

func joinProblems(problems []FieldProblem) string {
	var words []string
	for _, problem := range problems {
		words = append(words, problem.String())
	}
	return strings.Join(words, ", ")
}

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
	return fmt.Sprintf("apply %s: invalid fields: %s", kinds.NameOf(e.Ref), joinProblems(e.Problems))
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
		return fmt.Sprintf("apply %s: %s", kinds.NameOf(e.Ref), text)
	}
	return text
}

// Unwrap returns the mapper's error, of which meta.IsNoMatchError is true.
func (e *NotServedError) Unwrap() error { return e.err }

// classify turns an error of an apply into the type that says what it means.
func classify(ref corev1.ObjectReference, err error) error {
	var status apierrors.APIStatus
	switch {
	case meta.IsNoMatchError(err):
		return &NotServedError{Ref: ref, err: err}
	case !errors.As(err, &status):
		return fmt.Errorf("apply %s: %w", kinds.NameOf(ref), err)
	}
	switch {
	case isTypedPatch(err):
		return &InvalidFieldsError{Ref: ref, Problems: typedProblems(ref, err), err: err}
	case apierrors.IsBadRequest(err) && strictProblems(err) != nil:
		return &InvalidFieldsError{Ref: ref, Problems: strictProblems(err), err: err}
	case apierrors.IsConflict(err):
		return conflict(ref, status.Status(), err)
	case apierrors.IsInvalid(err):
		return invalid(ref, status.Status(), err)
	}
	return fmt.Errorf("apply %s: %w", kinds.NameOf(ref), err)
}

var quoted = regexp.MustCompile(`"([^"]*)"`)

func conflict(ref corev1.ObjectReference, status metav1.Status, err error) error {
	if strings.Contains(status.Message, "uid mismatch") {
		return fmt.Errorf("apply %s: %w: %w", kinds.NameOf(ref), ErrGone, err)
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
	if len(conflicts) == 0 {
		return fmt.Errorf("apply %s: %w", kinds.NameOf(ref), err)
	}
	return &ConflictError{Ref: ref, Conflicts: conflicts, err: err}
}

func causes(status metav1.Status) []metav1.StatusCause {
	if status.Details == nil {
		return nil
	}
	return status.Details.Causes
}

var strict = regexp.MustCompile(`(unknown|duplicate) field "([^"]+)"`)

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

// typedSecret is typedLine for Secrets: it leaves out the value, which may
// look like anything, further lines included.
var typedSecret = regexp.MustCompile(`(?m)(?:^|: )\s*\.?(\S+): (expected [^,\n]+), got `)

// typedProblems reads the fields out of the refusal of server-side apply; what
// does not look like one stays one problem without a path.
func typedProblems(ref corev1.ObjectReference, err error) []FieldProblem {
	_, after, _ := strings.Cut(err.Error(), typedPatch)
	_, lines, _ := strings.Cut(after, "): ")
	line, rest := typedLine, strings.TrimSpace(lines)
	if kinds.Of(ref).GroupKind() == (schema.GroupKind{Kind: "Secret"}) {
		line, rest = typedSecret, "it does not have the form of a Secret"
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
