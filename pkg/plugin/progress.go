package plugin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
)

const (
	// progressFlag says how a run is shown, and eventsFlag is what it was called.
	progressFlag = "progress"
	eventsFlag   = "events"
	// verbosityFlag is kubectl's, long and short.
	verbosityFlag = "v"
)

// The forms of progress.
const (
	progressAuto  = "auto"
	progressTTY   = "tty"
	progressPlain = "plain"
	progressJSON  = "json"
	progressNone  = "none"
)

// progressFlags choose how a run is shown, on the error stream.
type progressFlags struct{ Form, CI string }

// AddFlags adds --progress, and --events, which is hidden and the same.
func (f *progressFlags) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.Form, progressFlag, progressAuto,
		"Progress format on stderr: auto, tty (updated in place), plain (one line per change), json (one line per event) or none. auto: tty on a terminal, otherwise plain.")
	flags.StringVar(&f.Form, eventsFlag, progressAuto, "See --progress.")
	flags.Lookup(eventsFlag).Hidden = true
	flags.StringVar(&f.CI, "ci", ciAuto,
		"CI integration of the progress: auto, github (log groups, an annotation per failed hook, a job summary), gitlab (sections) or none.")
}

// ToOptions checks the flags.
func (f progressFlags) ToOptions(command *cobra.Command) (progressOptions, error) {
	style, err := styleOf(command)
	options := progressOptions{style: style, verbosity: verbosity(command), ci: progress.CI(f.CI)}
	switch f.CI {
	case ciAuto:
		options.ci = detectCI()
	case string(progress.GitHub), string(progress.GitLab), string(progress.NoCI):
	default:
		return options, inputError{fmt.Errorf("--ci %q: valid words: auto, github, gitlab, none", f.CI)}
	}
	switch f.Form {
	case progressAuto, progressTTY, progressPlain, progressJSON, progressNone:
		options.form = f.Form
	case "text":
		options.form = progressPlain
	default:
		return options, inputError{fmt.Errorf("--progress %q: valid forms: %s", f.Form,
			strings.Join([]string{progressAuto, progressTTY, progressPlain, progressJSON, progressNone}, ", "))}
	}
	return options, err
}

// progressOptions are how a run is shown. The zero value shows nothing.
type progressOptions struct {
	form      string
	style     progress.Style
	verbosity int
	ci        progress.CI
	// observe is called with every event besides; nil observes nothing.
	observe func(lifecycle.Event)
}

// ciAuto tells the service by the environment.
const ciAuto = "auto"

// detectCI returns the service that runs this command.
func detectCI() progress.CI {
	switch {
	case os.Getenv("GITHUB_ACTIONS") == "true":
		return progress.GitHub
	case os.Getenv("GITLAB_CI") == "true":
		return progress.GitLab
	}
	return progress.NoCI
}

// Open returns a view on an error stream. The caller closes it.
func (o progressOptions) Open(out io.Writer) progress.View {
	screen, isScreen := out.(*progress.Screen)
	lines, isJSON := out.(*progress.JSONLines)
	switch {
	case isJSON && o.form == progressJSON:
		return lines
	case !isScreen || o.form == progressNone || o.form == "":
		return unseen{}
	case o.form == progressTTY || o.form == progressAuto && isLive(screen):
		return progress.NewLive(screen, o.style)
	}
	view := progress.NewPlain(screen, o.style, o.verbosity)
	if o.ci == progress.NoCI || o.ci == "" {
		return view
	}
	return progress.InCI(view, o.ci, screen, o.summary())
}

// summary is the file in which GitHub expects what it shows on the page of a run; nil where there is none. It is opened when
// something is written.
func (o progressOptions) summary() io.Writer {
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if o.ci != progress.GitHub || path == "" {
		return nil
	}
	return appending(path)
}

// appending is a file to which each write is added.
type appending string

// Write implements io.Writer.
func (path appending) Write(text []byte) (int, error) {
	file, err := os.OpenFile(string(path), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	written, err := file.Write(text)
	return written, errors.Join(err, file.Close())
}

// isLive reports whether people look at a screen where lines can be drawn anew: logs of CI keep every frame.
func isLive(screen *progress.Screen) bool {
	return screen.IsTerminal() && os.Getenv("CI") == "" && os.Getenv("TERM") != "dumb"
}

// unseen is the view that shows nothing.
type unseen struct{}

// Observe implements progress.View.
func (unseen) Observe(lifecycle.Event) {}

// Close implements progress.View.
func (unseen) Close() {}

func verbosity(command *cobra.Command) int {
	number, err := command.Flags().GetInt(verbosityFlag)
	if err != nil {
		return 0
	}
	return number
}
