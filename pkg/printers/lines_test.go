package printers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

func TestJSONLines(t *testing.T) {
	t.Parallel()
	t.Run("text becomes events between those of runs", textBecomesEventsBetweenThoseOfRuns)
	t.Run("text that cannot be written as an event is an error", textThatCannotBeWrittenAsAnEventIsAnError)
}

func textBecomesEventsBetweenThoseOfRuns(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	stream := printers.NewJSONLines(&out)
	first, second := printers.JSONEvents(stream), printers.JSONEvents(stream)
	first(lifecycle.Event{Type: lifecycle.OperationStarted, Seq: 1, Release: "shop"})
	fmt.Fprintln(stream, "upgrade shop failed; going back\nto revision 1")
	fmt.Fprintln(stream, "Warning: v1 Endpoints is deprecated")
	fmt.Fprint(stream, "\n")
	second(lifecycle.Event{Type: lifecycle.OperationStarted, Seq: 1, Release: "shop"})
	check(t, stream.Fail("no\nSee '--help'"))

	type said struct {
		Seq                    int
		Type, Message, Release string
	}
	var got []said
	for line := range bytes.Lines(out.Bytes()) {
		var event said
		check(t, json.Unmarshal(line, &event))
		got = append(got, event)
	}
	if diff := cmp.Diff([]said{
		{1, "operation-started", "", "shop"},
		{2, "message", "upgrade shop failed; going back\nto revision 1", ""},
		{3, "warning", "v1 Endpoints is deprecated", ""},
		{4, "operation-started", "", "shop"},
		{5, "error", "no\nSee '--help'", ""},
	}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func textThatCannotBeWrittenAsAnEventIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := fmt.Fprintln(printers.NewJSONLines(broken{}), "text"); err == nil {
		t.Error("there is no error")
	}
}
