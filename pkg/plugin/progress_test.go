package plugin

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
)

//nolint:paralleltest // The environment is that of the process.
func TestProgress(t *testing.T) {
	t.Run("it has the form that was asked for", progressHasTheFormAskedFor)
	t.Run("an unknown word is refused", unknownWordsOfProgressAreRefused)
	t.Run("colours are there where they are wanted", coloursWhereTheyAreWanted)
}

// viewed opens a view with some arguments, tells it of one warning, and returns what it writes.
func viewed(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	command := &cobra.Command{}
	command.SetErr(errorStream(&out, args, "v1"))
	var flags progressFlags
	flags.AddFlags(command.Flags())
	if err := command.Flags().Parse(args); err != nil {
		t.Fatal(err)
	}
	options, err := flags.ToOptions(command)
	if err != nil {
		t.Fatal(err)
	}
	view := options.Open(command.ErrOrStderr())
	view.Observe(lifecycle.Event{Type: lifecycle.Warning, Outcome: lifecycle.Outcome{Message: "careful"}})
	view.Close()
	return out.String()
}

func progressHasTheFormAskedFor(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "")
	t.Setenv("GITLAB_CI", "")
	const plain = "00:00:00 warning: careful\n"
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, plain},
		{[]string{"--progress=plain"}, plain},
		{[]string{"--events=text"}, plain},
		{[]string{"--progress=none"}, ""},
		{[]string{"--events", "none"}, ""},
		{[]string{"--progress=tty"}, "warning: careful\n"},
	} {
		if got := viewed(t, test.args...); got != test.want {
			t.Errorf("%q: %q, want %q", test.args, got, test.want)
		}
	}
	var last lifecycle.Event
	lines := strings.Split(strings.TrimSpace(viewed(t, "--progress=json")), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Message != "careful" {
		t.Errorf("json: %q, %v", lines, err)
	}
}

func unknownWordsOfProgressAreRefused(t *testing.T) {
	for _, arg := range []string{"--progress=fast", "--ci=jenkins"} {
		var flags progressFlags
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		flags.AddFlags(set)
		if err := set.Parse([]string{arg}); err != nil {
			t.Fatal(err)
		}
		_, word, _ := strings.Cut(arg, "=")
		if _, err := flags.ToOptions(&cobra.Command{}); err == nil || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), "none") {
			t.Errorf("%s: error %v: it should name the word and those that are known", arg, err)
		}
	}
}

func coloursWhereTheyAreWanted(t *testing.T) {
	for title, test := range map[string]struct {
		flag        string
		environment map[string]string
		want        bool
	}{
		"no terminal":                    {flag: "auto"},
		"forced":                         {flag: "auto", environment: map[string]string{"CLICOLOR_FORCE": "1"}, want: true},
		"forced in the other way":        {flag: "auto", environment: map[string]string{"FORCE_COLOR": "1"}, want: true},
		"forced with zero is not":        {flag: "auto", environment: map[string]string{"FORCE_COLOR": "0"}},
		"NO_COLOR is before that":        {flag: "auto", environment: map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}},
		"an empty NO_COLOR says nothing": {flag: "auto", environment: map[string]string{"NO_COLOR": "", "CLICOLOR_FORCE": "1"}, want: true},
		"the flag is before all":         {flag: "always", environment: map[string]string{"NO_COLOR": "1"}, want: true},
		"also where it says never":       {flag: "never", environment: map[string]string{"CLICOLOR_FORCE": "1"}},
	} {
		t.Run(title, func(t *testing.T) {
			for _, name := range []string{"NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR"} {
				t.Setenv(name, test.environment[name])
			}
			command := &cobra.Command{}
			command.SetErr(progress.NewScreen(&bytes.Buffer{}))
			command.Flags().String(colorFlag, test.flag, "")
			style, err := styleOf(command)
			if err != nil || style.Colour != test.want {
				t.Errorf("colours %t, error %v; want %t", style.Colour, err, test.want)
			}
		})
	}
	command := &cobra.Command{}
	command.Flags().String(colorFlag, "pink", "")
	if _, err := styleOf(command); err == nil {
		t.Error("an unknown word is taken")
	}
}
