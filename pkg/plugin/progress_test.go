package plugin

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	t.Run("they are shown in the form asked for", eventsAreShownInTheFormAskedFor)
}

func eventsAreShownInTheFormAskedFor(t *testing.T) {
	t.Parallel()
	event := lifecycle.Event{Type: lifecycle.Warning, Outcome: lifecycle.Outcome{Message: "careful"}}
	for form, want := range map[string]string{
		"text": "warning: careful\n",
		"json": `{"time":"0001-01-01T00:00:00Z","seq":1,"type":"warning","message":"careful"}` + "\n",
	} {
		var out bytes.Buffer
		observe, err := eventFlags{form}.ToObserver(&cobra.Command{}, &out)
		if err != nil {
			t.Fatal(err)
		}
		observe(event)
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", form, diff)
		}
	}
	if observe, err := (eventFlags{"none"}).ToObserver(&cobra.Command{}, &bytes.Buffer{}); observe != nil || err != nil {
		t.Errorf("none gives an observer: %v, error %v", observe != nil, err)
	}
}
