package plugin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

// RunFlags are the flags of every verb that runs a plan with hooks.
type RunFlags struct {
	Timeout        time.Duration
	Wait           bool
	NoHooks        bool
	SkipHooks      []string
	ForceConflicts bool
	Events         string
	HistoryMax     int
}

// The defaults are Helm's.
const (
	defaultTimeout    = 5 * time.Minute
	defaultHistoryMax = 10
)

func newRunFlags() RunFlags {
	return RunFlags{Timeout: defaultTimeout, Events: eventsText, HistoryMax: defaultHistoryMax}
}

func (f *RunFlags) addFlags(flags *pflag.FlagSet) {
	flags.DurationVar(&f.Timeout, "timeout", f.Timeout, "How long the work may take in all, such as 90s or 10m. Zero means no limit.")
	flags.BoolVar(&f.Wait, "wait", f.Wait, "Wait until everything that was applied is ready.")
	flags.BoolVar(&f.NoHooks, "no-hooks", f.NoHooks, "Run no hooks at all.")
	flags.StringSliceVar(&f.SkipHooks, "skip-hooks", f.SkipHooks, "Do not run the hooks of these phases, as in pre-install,post-install. Can be repeated.")
	flags.BoolVar(&f.ForceConflicts, "force-conflicts", f.ForceConflicts, "Take over fields that another manager of an object owns.")
	flags.StringVar(&f.Events, "events", f.Events, "How to show what happens, on the error stream: text, json (one line each) or none.")
}

// options checks the flags and returns what they mean for a plan.
func (f *RunFlags) options() (lifecycle.Options, error) {
	options := lifecycle.Options{
		Timeout: f.Timeout, Wait: f.Wait, NoHooks: f.NoHooks, ForceConflicts: f.ForceConflicts, HistoryMax: f.HistoryMax,
	}
	if err := checkTimeout(f.Timeout); err != nil {
		return options, err
	}
	if f.HistoryMax < 0 {
		return options, inputError{fmt.Errorf("--history-max %d: must not be negative", f.HistoryMax)}
	}
	for _, word := range f.SkipHooks {
		phase := hook.Phase(strings.TrimSpace(word))
		if !slices.Contains(hook.Phases(), phase) {
			return options, inputError{fmt.Errorf("--skip-hooks: unknown phase %q; valid phases: %s", word, phaseList())}
		}
		options.SkipPhases = append(options.SkipPhases, phase)
	}
	return options, nil
}

func phaseList() string {
	var words []string
	for _, phase := range hook.Phases() {
		words = append(words, string(phase))
	}
	return strings.Join(words, ", ")
}

func checkTimeout(timeout time.Duration) error {
	if timeout < 0 {
		return inputError{fmt.Errorf("--timeout %s: must not be negative", timeout)}
	}
	return nil
}
