package printers

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/diff"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Comparison is the answer of diff: what differs between two versions of a release.
type Comparison struct {
	Name, Namespace string
	// About says what is compared: upgrade to revision 4, or revisions 1 and 3.
	About string
	Versions
	Changes []diff.Change
	// Preview is the plan that would make the changes; nil where two records are compared.
	Preview *lifecycle.Preview
	// Problems are why the plan would be refused; nil where it would not be.
	Problems []error
}

// Differs reports whether there is any difference.
func (c Comparison) Differs() bool {
	return len(c.Changes) > 0 || c.Preview != nil && c.Preview.Differs()
}

// Text prints the changes as kubectl diff does, and then the steps of the plan, but for what stays as it is.
func (c Comparison) Text(streams genericiooptions.IOStreams) error {
	if err := Diff(streams, c.Versions, c.Changes); err != nil {
		return err
	}
	if c.Preview == nil {
		return nil
	}
	return Plan(streams.Out, c.Preview.Changing())
}

// comparisonObject is the form of a comparison for programs.
type comparisonObject struct {
	About    string         `json:"about"`
	Differs  bool           `json:"differs"`
	Changes  []changeObject `json:"changes"`
	Plan     []Step         `json:"plan,omitempty"`
	Problems []string       `json:"problems,omitempty"`
}

// changeObject is a change for programs.
type changeObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	Action     string `json:"action"`
	// Diff is a unified diff; "" where the change could not be asked for.
	Diff string `json:"diff,omitempty"`
}

// Object returns the comparison as the object that -o json and -o yaml print, of kind Diff.
func (c Comparison) Object() (*unstructured.Unstructured, error) {
	shown := comparisonObject{About: c.About, Differs: c.Differs(), Changes: []changeObject{}}
	for _, change := range c.Changes {
		text, err := textOf(change)
		if err != nil {
			return nil, err
		}
		ref := change.Ref
		shown.Changes = append(shown.Changes, changeObject{
			ref.APIVersion, ref.Kind, ref.Namespace, ref.Name, change.Action, string(text.Unified(c.Versions)),
		})
	}
	if c.Preview != nil {
		shown.Plan = Steps(c.Preview.Changing())
	}
	for _, problem := range c.Problems {
		shown.Problems = append(shown.Problems, Clean(problem.Error()))
	}
	return namedObject("Diff", c.Name, c.Namespace, &shown)
}

// namedObject returns an object of ours that is about a release, with the fields of what content points to.
func namedObject(kind, name, namespace string, content any) (*unstructured.Unstructured, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(content)
	if err != nil {
		return nil, fmt.Errorf("showing release %s/%s: %w", namespace, name, err)
	}
	fields["apiVersion"], fields["kind"] = release.APIVersion, kind
	fields["metadata"] = map[string]any{"name": name, "namespace": namespace}
	return &unstructured.Unstructured{Object: fields}, nil
}

// row is an object in a table of what changes.
type row struct{ step, object, effect string }

// rows are the objects of a plan but for those that stay as they are, or the changes where there is no plan.
func (c Comparison) rows() []row {
	var rows []row
	if c.Preview == nil {
		for _, change := range c.Changes {
			rows = append(rows, row{object: Named(change.Ref, c.Namespace), effect: change.Action})
		}
		return rows
	}
	preview := c.Preview.Changing()
	for i, step := range preview.Plan.Steps {
		eachOf(i, preview, func(title string, ref corev1.ObjectReference, effect string) {
			if title != "" {
				title += ": "
			}
			rows = append(rows, row{heading(step), title + Named(ref, c.Namespace), effect})
		})
	}
	return rows
}
