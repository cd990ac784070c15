package printers

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/drift"
)

// Drift is what of a revision is not on the cluster as it was applied.
type Drift struct {
	Name, Namespace string
	// Revision is the one that is compared.
	Revision int
	Objects  []drift.Object
}

// minutes is how the time of a change is shown.
const minutes = "2006-01-02 15:04 MST"

// What is said where managedFields do not say who has changed a field, or when: they have no time of a change of scale.
const (
	whoUnknown  = "by whom is not recorded"
	whenUnknown = "when is not recorded"
)

// Text writes the drift for people: each object that differs, and below it a line for each field.
func (d Drift) Text(streams genericiooptions.IOStreams) error {
	text := tabwriter.NewWriter(streams.Out, 0, 8, 2, ' ', 0)
	for _, object := range d.Objects {
		fmt.Fprintf(text, "%s%s\n", Line(Named(object.Ref, d.Namespace)), remark(object))
		for _, field := range object.Fields {
			fmt.Fprintf(text, "  %s:\t%s → %s\t%s\n", Line(pathOf(field)), Line(valueOf(field.Recorded)), Line(liveOf(field)), Line(whoAndWhen(field)))
		}
	}
	return text.Flush()
}

// remark is what is said of an object as a whole; "" for nothing.
func remark(object drift.Object) string {
	switch {
	case object.Missing:
		return " missing"
	case object.Refused != "":
		return ": to apply it again would be refused: " + Line(object.Refused)
	}
	return ""
}

// pathOf is the path of a field, without the dot before it.
func pathOf(field drift.Field) string { return strings.TrimPrefix(field.Path.String(), ".") }

// valueOf shows a value as JSON; a long one is cut off.
func valueOf(value any) string {
	const long = 200
	// What came as JSON can be written as JSON.
	encoded, _ := json.Marshal(value)
	if len(encoded) > long {
		return strings.ToValidUTF8(string(encoded[:long]), "") + "…"
	}
	return string(encoded)
}

func liveOf(field drift.Field) string {
	if field.Removed {
		return "removed"
	}
	return valueOf(field.Live)
}

// whoAndWhen says who has changed a field, and when, to the minute.
func whoAndWhen(field drift.Field) string {
	switch {
	case field.By == nil:
		return whoUnknown
	case field.By.Time == nil:
		return fmt.Sprintf("%s, %s", field.By, whenUnknown)
	}
	return fmt.Sprintf("%s, %s", field.By, field.By.Time.UTC().Format(minutes))
}

// Markdown writes the drift as a comment for an issue or a pull request: a table of fields.
func (d Drift) Markdown(out io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "### %s: revision %d and what is on the cluster\n\n", EscapeMarkdown(d.Name), d.Revision)
	if len(d.Objects) == 0 {
		text.WriteString("No drift.\n")
	} else {
		text.WriteString("| object | field | recorded | live | by |\n|---|---|---|---|---|\n")
	}
	for _, object := range d.Objects {
		name := EscapeMarkdown(Named(object.Ref, d.Namespace) + remark(object))
		if len(object.Fields) == 0 {
			fmt.Fprintf(&text, "| %s | | | | |\n", name)
		}
		for _, field := range object.Fields {
			fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", name, EscapeMarkdown(pathOf(field)),
				EscapeMarkdown(valueOf(field.Recorded)), EscapeMarkdown(liveOf(field)), EscapeMarkdown(whoAndWhen(field)))
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// driftObject is the form of a drift for programs.
type driftObject struct {
	Revision int             `json:"revision"`
	Drifted  bool            `json:"drifted"`
	Objects  []driftedObject `json:"objects"`
}

type driftedObject struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Namespace  string       `json:"namespace,omitempty"`
	Name       string       `json:"name"`
	Missing    bool         `json:"missing,omitempty"`
	Refused    string       `json:"refused,omitempty"`
	Fields     []driftField `json:"fields,omitempty"`
}

type driftField struct {
	Path     string `json:"path"`
	Recorded any    `json:"recorded"`
	// Live is absent where the field was removed.
	Live    any  `json:"live,omitempty"`
	Removed bool `json:"removed,omitempty"`
	// Manager, Subresource and Time are absent where nobody is on record.
	Manager     string       `json:"manager,omitempty"`
	Subresource string       `json:"subresource,omitempty"`
	Time        *metav1.Time `json:"time,omitempty"`
}

// Object returns the drift as the object that -o json and -o yaml print, of kind Drift.
func (d Drift) Object() (*unstructured.Unstructured, error) {
	shown := driftObject{Revision: d.Revision, Drifted: len(d.Objects) > 0, Objects: []driftedObject{}}
	for _, object := range d.Objects {
		ref := object.Ref
		one := driftedObject{
			APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name, Missing: object.Missing, Refused: object.Refused,
		}
		for _, field := range object.Fields {
			shown := driftField{Path: pathOf(field), Recorded: field.Recorded, Live: field.Live, Removed: field.Removed}
			if field.By != nil {
				shown.Manager, shown.Subresource, shown.Time = field.By.Manager, field.By.Subresource, field.By.Time
			}
			one.Fields = append(one.Fields, shown)
		}
		shown.Objects = append(shown.Objects, one)
	}
	return namedObject("Drift", d.Name, d.Namespace, &shown)
}
