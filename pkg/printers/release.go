package printers

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Object returns a release as the object that -o yaml, json, name, jsonpath and the like print.
func Object(r *release.Release) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(r)
	if err != nil {
		return nil, fmt.Errorf("showing release %s/%s: %w", r.Namespace, r.Name, err)
	}
	return &unstructured.Unstructured{Object: content}, nil
}

// List returns releases as one list object, in their order.
func List(releases release.History) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": release.APIVersion, "kind": release.Kind + "List"}}
	for _, r := range releases {
		object, err := Object(r)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, *object)
	}
	return list, nil
}

// Status writes a release as people read it: what it is, how its hooks went, and what it has on the cluster.
func Status(out io.Writer, r *release.Release, now time.Time) error {
	text := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(text, "%s:\t%s\n", name, Line(value))
		}
	}
	field("Name", r.Name)
	field("Namespace", r.Namespace)
	field("Pack", r.Spec.Pack.String())
	field("App Version", r.Spec.Pack.AppVersion)
	field("Revision", revision(r))
	field("Status", phase(r))
	field("Message", r.Status.Message)
	field("Started", at(r.Status.StartedAt, now))
	field("Finished", at(r.Status.FinishedAt, now))
	if err := text.Flush(); err != nil {
		return err
	}
	var rest strings.Builder
	writeHooks(&rest, r)
	writeResources(&rest, r)
	_, err := io.WriteString(out, rest.String())
	return err
}

// phase shows the phase, and of a pending one whether its operation was interrupted.
func phase(r *release.Release) string {
	if r.Status.Phase.Pending() && r.Status.Interrupted != "" {
		return string(r.Status.Phase) + " (interrupted)"
	}
	return string(r.Status.Phase)
}

// revision shows the number, and which revision is deployed when it is another.
func revision(r *release.Release) string {
	number := fmt.Sprint(r.Spec.Revision)
	if deployed := r.Status.DeployedRevision; deployed != 0 && deployed != r.Spec.Revision {
		number += fmt.Sprintf(" (deployed: %d)", deployed)
	}
	return number
}

func at(moment *metav1.Time, now time.Time) string {
	if moment == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s ago)", moment.UTC().Format(time.RFC3339), age(moment.Time, now))
}

func writeHooks(out *strings.Builder, r *release.Release) {
	if len(r.Status.Hooks) == 0 {
		return
	}
	out.WriteString("Hooks:\n")
	for _, h := range r.Status.Hooks {
		fmt.Fprintf(out, "  %s: %s\n", Line(h.Title), Line(h.Summary()))
		if h.State != release.HookFailed {
			continue
		}
		if h.Message != "" {
			out.WriteString(indented("    ", h.Message))
		}
		if h.LogNote != "" {
			out.WriteString(indented("    ", "note: "+Line(h.LogNote)))
		}
		if h.LogTail != "" {
			out.WriteString(indented("    | ", h.LogTail))
		}
	}
}

func writeResources(out *strings.Builder, r *release.Release) {
	if len(r.Status.Resources) == 0 {
		return
	}
	out.WriteString("Resources:\n")
	for _, resource := range r.Status.Resources {
		name := resource.Kind + "/" + resource.Name
		if resource.Namespace != "" && resource.Namespace != r.Namespace {
			name += " (namespace " + resource.Namespace + ")"
		}
		fmt.Fprintf(out, "  %s\n", Line(name))
	}
}
