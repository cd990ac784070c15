package printers

import (
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// Plan writes what a plan does, step by step, with what becomes of each object where that is known.
func Plan(out io.Writer, preview lifecycle.Preview) error {
	var text strings.Builder
	last := ""
	for i, step := range preview.Plan.Steps {
		if len(step.Objects)+len(step.Hooks)+len(step.Entries) == 0 {
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

func writeStep(text *strings.Builder, i int, preview lifecycle.Preview) {
	step, home := preview.Plan.Steps[i], preview.Plan.Release.Namespace
	for _, h := range step.Hooks {
		effect := string(preview.Effect(i, h.Object.Reference()))
		if preview.Plan.HasRun(h) {
			effect = "has succeeded"
		}
		writeObject(text, home, h.Title+": ", h.Object.Reference(), effect)
	}
	if step.Action == plan.Wait {
		fmt.Fprintf(text, "  %s\n", words.Count(len(step.Objects), "object"))
		return
	}
	for _, object := range step.Objects {
		writeObject(text, home, "", object.Reference(), string(preview.Effect(i, object.Reference())))
	}
	for _, entry := range step.Entries {
		writeObject(text, home, "", entry.Reference(), string(preview.Effect(i, entry.Reference())))
	}
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
	}
	return string(step.Action)
}

// writeObject writes a line for an object. home is the namespace of the release.
func writeObject(text *strings.Builder, home, title string, ref corev1.ObjectReference, effect string) {
	fmt.Fprintf(text, "  %s\n", Line(strings.TrimSpace(title+Named(ref, home)+" "+effect)))
}
