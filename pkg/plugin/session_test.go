package plugin

import (
	"bytes"
	"context"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// What a plan finds out counts only if no other is made in its place.
func TestOfSeveralPlansTheLastIsToldOf(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	at := &target{warnings: warnings{out: &said}}
	plans := 0
	s := session{
		RunOptions: &RunOptions{IOStreams: genericiooptions.IOStreams{ErrOut: &said}},
		plan: func(context.Context, *target) (*proposal, error) {
			plans++
			if plans == 1 {
				at.incomplete = release.New("shop", "web", 1)
				at.warnings.warn("damaged")
			}
			at.warnings.warn("incomplete")
			at.warnings.warn("incomplete")
			return &proposal{notes: []string{"a note"}}, nil
		},
	}
	for range 2 {
		proposed, err := s.planAnew(t.Context(), at)
		if err != nil || said.Len() > 0 {
			t.Fatalf("%v, said is %q", err, said.String())
		}
		if plans == 2 {
			s.tell(at, proposed)
		}
	}
	at.warnings.warn("later")
	if want := "warning: incomplete\na note\nwarning: later\n"; said.String() != want {
		t.Errorf("said is %q, want %q", said.String(), want)
	}
	if at.incomplete != nil {
		t.Error("the inventory counts as incomplete")
	}
}
