package refusal_test

import (
	stdcmp "cmp"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

func thing() corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: "v1", Kind: "Thing", Namespace: "ns", Name: "one"}
}

// refused is an error of the server with causes.
func refused(code int32, reason metav1.StatusReason, message string, causes ...metav1.StatusCause) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message,
		Details: &metav1.StatusDetails{Causes: causes},
	}}
}

func invalidField(field, message string) metav1.StatusCause {
	return metav1.StatusCause{Type: metav1.CauseTypeFieldValueInvalid, Field: field, Message: message}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	t.Run("immutable is only what cannot be changed", immutableIsOnlyWhatCannotBeChanged)
	t.Run("invalid objects", classifyInvalidObjects)
	t.Run("other refusals", classifyOtherRefusals)
}

// The messages are the API server's, some of them of other versions than that
// of the tests, or of kinds that cannot be had there.
func immutableIsOnlyWhatCannotBeChanged(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		`Invalid value: {"matchLabels":{"a":"b: field is wrong"}}: field is immutable`: "field is immutable",
		`Invalid value: "it \"is\": \\x": field is immutable`:                          "field is immutable",
		`Invalid value: ["10.0.0.1"]: may not change once set`:                         "may not change once set",
		"Invalid value: -3: field is immutable":                                        "field is immutable",
		"Invalid value: null: field is immutable":                                      "field is immutable",
		"Invalid value: field is immutable":                                            "field is immutable",
		`Invalid value: core.Thing{A:"b: c", D:(*int)(0xc000)}: field is immutable`:    "field is immutable",
		"Invalid value: 10.0.0.1: field is immutable":                                  "field is immutable",
		"Forbidden: spec is immutable after creation except resources.requests for bound claims\n  core.PersistentVolumeClaimSpec{\n- \tA: \"s\",\n  }\n": "spec is immutable after creation except resources.requests for bound claims",
		"Forbidden: updates to driverName are forbidden.":                                 "updates to driverName are forbidden",
		"Forbidden: field can not be less than previous value":                            "field can not be less than previous value",
		"Forbidden: existing toleration can not be modified except its tolerationSeconds": "existing toleration can not be modified except its tolerationSeconds",
		"immutable: the size cannot be changed":                                           "immutable: the size cannot be changed",
		`Invalid value: "field is immutable": must be lower case`:                         "",
		"Invalid value: -1: must be greater than or equal to 0":                           "",
		"Invalid value: 5: must be less than or equal to 4":                               "",
		"Required value": "",
		"Required value: may not be empty when the claim is bound":                                        "",
		"Invalid value: \"x\": must be set when immutable is true":                                        "",
		"Invalid value: \"string\": failed rule: self == oldSelf || self > 3":                             "",
		"Invalid value: 3: a lowercase RFC 1123 label must consist of lower case alphanumeric characters": "",
		"Forbidden: may only be used when `type` is 'LoadBalancer'":                                       "",
		"Unsupported value: \"Sometimes\": supported values: \"Always\", \"Never\"":                       "",
	} {
		err := refusal.Classify(thing(), refused(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "invalid", invalidField("spec.x", message)))
		got := ""
		var immutable *refusal.ImmutableError
		if errors.As(err, &immutable) {
			got = immutable.Problems[0].Message
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", message, diff)
		}
	}
}

// classified is an error of the server and what is made of it.
type classified struct {
	// ref is thing where it is empty.
	ref  corev1.ObjectReference
	err  error
	want string
	// is is a sentinel that must be wrapped; nil for none.
	is error
}

func classifyInvalidObjects(t *testing.T) {
	t.Parallel()
	const fixed = "Invalid value: 1: field is immutable"
	checkClassify(t, map[string]classified{
		"immutable, each field once": {
			err:  refused(422, metav1.StatusReasonInvalid, "", invalidField("spec.a", fixed), invalidField("spec.a", fixed), invalidField("spec.b", fixed)),
			want: "applying Thing/ns/one: immutable: spec.a: field is immutable, spec.b: field is immutable",
		},
		"immutable and invalid is invalid": {
			err:  refused(422, metav1.StatusReasonInvalid, "is invalid: both", invalidField("spec.a", fixed), invalidField("spec.b", "Required value")),
			want: "applying Thing/ns/one: is invalid: both",
		},
		"invalid without causes": {
			err: refused(422, metav1.StatusReasonInvalid, "is invalid"), want: "applying Thing/ns/one: is invalid",
		},
		"another UID, whatever else": {
			err:  refused(422, metav1.StatusReasonInvalid, "uid", invalidField("metadata.uid", fixed), invalidField("spec.b", "Required value")),
			want: "applying Thing/ns/one: another object has taken its place: uid", is: refusal.ErrReplaced,
		},
	})
}

func classifyOtherRefusals(t *testing.T) {
	t.Parallel()
	checkClassify(t, map[string]classified{
		"gone": {
			err:  refused(409, metav1.StatusReasonConflict, "uid mismatch: the provided object specified uid 1, and no existing object was found"),
			want: "applying Thing/ns/one: the object is gone: uid mismatch: the provided object specified uid 1, and no existing object was found", is: refusal.ErrGone,
		},
		"a conflict with two managers": {
			err: refused(409, metav1.StatusReasonConflict, "conflicts",
				metav1.StatusCause{Type: metav1.CauseTypeFieldManagerConflict, Field: ".spec.a", Message: `conflict with "kubectl" using apps/v1`},
				metav1.StatusCause{Type: metav1.CauseTypeFieldManagerConflict, Field: ".spec.b", Message: `conflict with "hpa" with subresource "scale" using apps/v1`}),
			want: `applying Thing/ns/one: conflict: .spec.a is managed by "kubectl", .spec.b is managed by "hpa"`,
		},
		"a conflict of another sort": {
			err:  refused(409, metav1.StatusReasonConflict, "please apply your changes to the latest version"),
			want: "applying Thing/ns/one: please apply your changes to the latest version",
		},
		"several problems of server-side apply": {
			err:  refused(500, "", "failed to create typed patch object (ns/one; v1, Kind=Thing): errors:\n  .spec.a: field not declared in schema\n  .spec.b[name=\"x\"].c: expected string, got &value.valueUnstructured{Value:1}"),
			want: `applying Thing/ns/one: invalid fields: spec.a: field not declared in schema, spec.b[name="x"].c: expected string, got 1`,
		},
		"a problem of server-side apply that is worded otherwise": {
			err:  refused(500, "", "failed to create typed patch object (ns/one; v1, Kind=Thing): something else"),
			want: "applying Thing/ns/one: invalid fields: object: something else",
		},
		"a problem of a Secret that is worded otherwise": {
			ref:  corev1.ObjectReference{APIVersion: "v1", Kind: "Secret", Name: "one"},
			err:  refused(500, "", "failed to create typed patch object (/one; v1, Kind=Secret): hidden: hidden"),
			want: "applying Secret/one: invalid fields: object: it is not a valid Secret",
		},
		"several problems of a Secret": {
			ref:  corev1.ObjectReference{APIVersion: "v1", Kind: "Secret", Name: "one"},
			err:  refused(500, "", "failed to create typed patch object (/one; v1, Kind=Secret): errors:\n  .data: expected map, got &{[hidden\nhidden: hidden]}\n  .stringData.b: expected string, got &value.valueUnstructured{Value:1}"),
			want: "applying Secret/one: invalid fields: data: expected map, stringData.b: expected string",
		},
		"unknown and duplicate fields": {
			err:  refused(400, metav1.StatusReasonBadRequest, `strict decoding error: unknown field "spec.a", duplicate field "spec.b"`),
			want: "applying Thing/ns/one: invalid fields: spec.a: unknown field, spec.b: duplicate field",
		},
		"any other error of the server": {
			err: refused(403, metav1.StatusReasonForbidden, "no"), want: "applying Thing/ns/one: no",
		},
		"an error on the way": {err: errors.New("connection refused"), want: "applying Thing/ns/one: connection refused"},
	})
}

func checkClassify(t *testing.T, tests map[string]classified) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := refusal.Classify(stdcmp.Or(test.ref, thing()), test.err)
			if diff := cmp.Diff(test.want, fmt.Sprint(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !errors.Is(got, test.err) || test.is != nil && !errors.Is(got, test.is) {
				t.Error("what it is about is not wrapped")
			}
		})
	}
}
