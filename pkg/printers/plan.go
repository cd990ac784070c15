package printers

import (
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// Plan writes what a plan does, step by step, with what becomes of each object where that is known.
func Plan(out io.Writer, preview lifecycle.Preview) error {
	var text strings.Builder
	last := ""
	for i, step := range preview.Plan.Steps {
		if len(step.Objects)+len(step.Hooks)+len(step.Entries)+len(step.Handovers)+len(step.Records) == 0 {
			continue
		}
		// Waves that follow each other are one thing to people.
		if title := heading(step); title != last {
			fmt.Fprintf(&text, "%s:\n", title)
			last = title
		}
		writeStep(&text, i, preview)
	}
	for i, record := range preview.Plan.Skipped() {
		if i == 0 {
			text.WriteString("skip hooks:\n")
		}
		fmt.Fprintf(&text, "  %s\n", Line(record.Title))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// Step is a step of a plan as data.
type Step struct {
	// Action is what is done, in the words of plan.Action, and Phase that of hooks that are run.
	Action string `json:"action"`
	Phase  string `json:"phase,omitempty"`
	// Early says that the objects are applied before the hooks that need them.
	Early   bool         `json:"early,omitempty"`
	Objects []StepObject `json:"objects"`
}

// StepObject is an object of a step.
type StepObject struct {
	// Hook is the title of the hook that the object is; "" for any other object.
	Hook       string `json:"hook,omitempty"`
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	// Result is what becomes of it; "" where nobody has asked.
	Result string `json:"result,omitempty"`
}

// Steps returns what a plan does as data, in the order in which Plan writes it. Steps that do nothing are left out.
func Steps(preview lifecycle.Preview) []Step {
	steps := []Step{}
	for i, step := range preview.Plan.Steps {
		shown := Step{Action: string(step.Action), Phase: string(step.Phase), Early: step.Early}
		add := func(title string, ref corev1.ObjectReference, effect string) {
			shown.Objects = append(shown.Objects, StepObject{title, ref.APIVersion, ref.Kind, ref.Namespace, ref.Name, effect})
		}
		eachOf(i, preview, add)
		if len(shown.Objects) > 0 {
			steps = append(steps, shown)
		}
	}
	return steps
}

// Planned returns a release as Object does, with what a plan does for it under plan.
func Planned(r *release.Release, preview lifecycle.Preview) (*unstructured.Unstructured, error) {
	object, err := Object(r)
	if err != nil {
		return nil, err
	}
	steps, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&struct {
		Steps []Step `json:"steps"`
	}{Steps(preview)})
	if err != nil {
		return nil, fmt.Errorf("showing the plan for release %s/%s: %w", r.Namespace, r.Name, err)
	}
	object.Object["plan"] = steps["steps"]
	return object, nil
}

// eachOf calls do for every object of a step, with the title of the hook that it is, and with what becomes of it.
func eachOf(i int, preview lifecycle.Preview, do func(title string, ref corev1.ObjectReference, effect string)) {
	step := preview.Plan.Steps[i]
	for _, h := range step.Hooks {
		effect := string(preview.Effect(i, h.Object.Reference()))
		if preview.Plan.HasRun(h) {
			effect = "has succeeded"
		}
		do(h.Title, h.Object.Reference(), effect)
	}
	for _, object := range step.Objects {
		effect := ""
		if step.Action != plan.Wait {
			effect = string(preview.Effect(i, object.Reference()))
		}
		do("", object.Reference(), effect)
	}
	for _, handover := range step.Handovers {
		do("", handover.Entry.Reference(), string(preview.Effect(i, handover.Entry.Reference())))
	}
	for _, record := range step.Records {
		do("", corev1.ObjectReference{APIVersion: "v1", Kind: "Secret", Namespace: record.Namespace, Name: record.Secret()}, written(record))
	}
	for _, entry := range step.Entries {
		do("", entry.Reference(), string(preview.Effect(i, entry.Reference())))
	}
}

// written is what becomes of a record of Helm's.
func written(record release.HelmRecord) string {
	if record.Aside {
		return "hidden from helm list"
	}
	return record.Status
}

func writeStep(text *strings.Builder, i int, preview lifecycle.Preview) {
	step, home := preview.Plan.Steps[i], preview.Plan.Release.Namespace
	if step.Action == plan.Wait {
		fmt.Fprintf(text, "  %s\n", words.Count(len(step.Objects), "object"))
		return
	}
	eachOf(i, preview, func(title string, ref corev1.ObjectReference, effect string) {
		if title != "" {
			title += ": "
		}
		writeObject(text, home, title, ref, effect)
	})
}

// heading says what a step does.
func heading(step plan.Step) string {
	switch step.Action {
	case plan.Apply:
		switch {
		case step.Early:
			return "apply before the hooks that need it"
		case step.Wave == 0:
			return "apply first"
		}
		return "apply"
	case plan.RunHooks:
		return "run hooks of " + string(step.Phase)
	case plan.Wait:
		return "wait until ready"
	case plan.GiveBack:
		return "give back"
	case plan.HandOver:
		return "change owner and field manager"
	case plan.WriteHelm:
		return "write Helm's records"
	}
	return string(step.Action)
}

// writeObject writes a line for an object. home is the namespace of the release.
func writeObject(text *strings.Builder, home, title string, ref corev1.ObjectReference, effect string) {
	fmt.Fprintf(text, "  %s\n", Line(strings.TrimSpace(title+Named(ref, home)+" "+effect)))
}
