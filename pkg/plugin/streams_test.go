package plugin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	t.Run("output that cannot be written is an error", outputThatCannotBeWrittenIsAnError)
	t.Run("what went wrong before counts", whatWentWrongBeforeOutput)
}

// full is a disk without space, after some bytes.
type full struct{ space int }

func (f *full) Write(text []byte) (int, error) {
	if len(text) <= f.space {
		f.space -= len(text)
		return len(text), nil
	}
	written := f.space
	f.space = 0
	return written, errFull
}

var errFull = errors.New("no space left on device")

func outputThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		args  []string
		space int
	}{
		"version":                  {args: []string{"version", "--client"}},
		"version as YAML":          {args: []string{"version", "--client", "-o", "yaml"}},
		"help":                     {args: []string{"--help"}},
		"help of a command":        {args: []string{"install", "--help"}, space: 100},
		"the global options":       {args: []string{"options"}},
		"a manifest":               {args: []string{"template", "shop", "../../examples/shop"}, space: 1000},
		"the completion of a word": {args: []string{"__complete", "install", "--"}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var errs bytes.Buffer
			streams := genericiooptions.IOStreams{Out: &full{test.space}, ErrOut: &errs}
			code := plugin.Main(t.Context(), append(test.args, "--kubeconfig", os.DevNull), streams, plugin.Build{Version: "v1"})
			if want := "error: writing the output: no space left on device\n"; code != 1 || !strings.HasSuffix(errs.String(), want) {
				t.Errorf("exit code %d, it prints %q, want %q", code, errs.String(), want)
			}
		})
	}
}

// What went wrong before the output counts, and is told with it.
func whatWentWrongBeforeOutput(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	streams := genericiooptions.IOStreams{Out: &full{}, ErrOut: &errs}
	code := plugin.Main(t.Context(), []string{"template", "shop", "no/such/pack"}, streams, plugin.Build{})
	if code != 4 || strings.Contains(errs.String(), "writing the output") {
		t.Errorf("nothing was printed: exit code %d, %q", code, errs.String())
	}
}

func TestErrorStream(t *testing.T) {
	t.Parallel()
	t.Run("errors are events where they are asked for", errorsAreEventsWhereTheyAreAskedFor)
	t.Run("errors are text where events are no JSON", errorsAreTextWhereEventsAreNoJSON)
}

// said is a line of the error stream.
type said struct {
	Seq           int
	Type, Message string
	Time          string
	ExitCode      int
}

func errorsAreEventsWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		args []string
		code int
		// want is how the message begins of the only line after the version of the lines.
		want string
	}{
		"an unknown flag before":     {[]string{"install", "--no-such-flag", "--events", "json"}, 2, "unknown flag: --no-such-flag\nSee 'kubectl sherpack install --help'"},
		"an unknown flag behind":     {[]string{"install", "--events=json", "--no-such-flag"}, 2, "unknown flag: --no-such-flag\n"},
		"too few arguments":          {[]string{"upgrade", "a", "--events", "json"}, 2, "upgrade needs NAME and PACK; PACK is missing\n"},
		"an unknown command":         {[]string{"instal", "--events=json"}, 2, "unknown flag: --events\n"},
		"a command without the flag": {[]string{"status", "a", "--events", "json"}, 2, "unknown flag: --events\n"},
		"a value":                    {[]string{"uninstall", "A", "--events", "json"}, 2, "release name \"A\": "},
		"the last one counts":        {[]string{"uninstall", "A", "--events", "text", "--events", "json"}, 2, "release name \"A\": "},
		"no pack":                    {[]string{"install", "a", "no/such/pack", "--events", "json"}, 4, "no/such/pack: read pack: no such file or directory"},
		"no server":                  {[]string{"uninstall", "a", "--server", "http://127.0.0.1:1", "--events", "json"}, 5, "reading the history of release default/a: "},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, append(test.args, "--kubeconfig", os.DevNull)...)
			if code != test.code || stdout != "" {
				t.Errorf("exit code %d, it prints %q", code, stdout)
			}
			events := lines(t, stderr)
			if len(events) != 2 || events[0].Type != "version" || events[1].Type != "error" ||
				events[1].ExitCode != test.code || !strings.HasPrefix(events[1].Message, test.want) {
				t.Errorf("it says %+v, want %q", events, test.want)
			}
		})
	}
}

// lines are those of an error stream of which all must be JSON, numbered from 1.
func lines(t *testing.T, text string) []said {
	t.Helper()
	var found []said
	for line := range strings.Lines(text) {
		var event said
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		found = append(found, event)
		if event.Seq != len(found) || event.Time == "" {
			t.Errorf("event %d is %+v", len(found), event)
		}
	}
	return found
}

func errorsAreTextWhereEventsAreNoJSON(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"uninstall", "A", "--events", "json", "--events", "text"},
		{"uninstall", "A", "--events=none"},
		{"uninstall", "--events", "json", "--events=text", "--", "A"},
	} {
		_, stderr, code := run(t, append([]string{"--kubeconfig", os.DevNull}, args...)...)
		if code != 2 || !strings.HasPrefix(stderr, "error: release name \"A\": ") {
			t.Errorf("%v: exit code %d, %q", args, code, stderr)
		}
	}
	_, stderr, _ := run(t, "uninstall", "--kubeconfig", os.DevNull, "--", "--events=json", "a")
	if !strings.HasPrefix(stderr, "error: release name \"--events=json\": ") {
		t.Errorf("what stands behind -- is no flag: %q", stderr)
	}
}
