package progress

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

func TestJSONLines(t *testing.T) {
	t.Parallel()
	t.Run("text becomes events between those of runs", textBecomesEventsBetweenThoseOfRuns)
	t.Run("text that cannot be written as an event is an error", textThatCannotBeWrittenAsAnEventIsAnError)
}

func textBecomesEventsBetweenThoseOfRuns(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	stream := NewJSONLines(&out, "v1.2.3")
	stream.Observe(lifecycle.Event{Type: lifecycle.OperationStarted, Seq: 1, Release: "shop"})
	fmt.Fprintln(stream, "upgrade shop failed; going back\nto revision 1")
	fmt.Fprintln(stream, "Warning: v1 Endpoints is deprecated")
	fmt.Fprint(stream, "\n")
	stream.Observe(lifecycle.Event{Type: lifecycle.OperationStarted, Seq: 1, Release: "shop"})
	check(t, stream.Fail("no\nSee '--help'", 2))

	type said struct {
		Seq, Schema, ExitCode           int
		Type, Message, Release, Version string
	}
	var got []said
	for line := range bytes.Lines(out.Bytes()) {
		var event said
		check(t, json.Unmarshal(line, &event))
		got = append(got, event)
	}
	if diff := cmp.Diff([]said{
		{Seq: 1, Type: "version", Schema: 1, Version: "v1.2.3"},
		{Seq: 2, Type: "operation-started", Release: "shop"},
		{Seq: 3, Type: "message", Message: "upgrade shop failed; going back\nto revision 1"},
		{Seq: 4, Type: "warning", Message: "v1 Endpoints is deprecated"},
		{Seq: 5, Type: "operation-started", Release: "shop"},
		{Seq: 6, Type: "error", Message: "no\nSee '--help'", ExitCode: 2},
	}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func textThatCannotBeWrittenAsAnEventIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := fmt.Fprintln(NewJSONLines(broken{}, "v1"), "text"); err == nil {
		t.Error("there is no error")
	}
}
