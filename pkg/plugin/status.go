package plugin

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/timeline"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// The forms of -o that only status has: its timeline as a picture, and as a page with all that is on record.
const (
	formSVG  = "svg"
	formHTML = "html"
)

// StatusFlags are the flags of status.
type StatusFlags struct {
	Revision int
	Timeline bool
	Watch    bool
	Output   outputFlags
}

// StatusOptions are what status needs.
type StatusOptions struct {
	Name string
	// Revision is the one to show; 0 for the newest.
	Revision int
	// Timeline shows what was done when.
	Timeline bool
	// Watch shows what changes, until the operation ends that is under way.
	Watch  bool
	Output outputFlags
	// Style is how the timeline may look.
	Style  progress.Style
	Getter genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newStatusCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	var flags StatusFlags
	command := &cobra.Command{
		Use:   "status NAME",
		Short: "Show the status of a release",
		Long: templates.LongDesc(`
			Show the status of a release: the state of its newest revision (or the one of --revision), its hooks, its last
			tests, and its resources, with their readiness and the reason if they are not ready.

			With --timeline, show what its last operation did when, as a chart: in the terminal, as a picture (-o svg), or as
			a page to keep (-o html), which also has the hooks, the ends of their logs, what changed and the objects. Formats
			for programs print the record, without the readiness of resources.`),
		Example: templates.Examples(`
			# Show a release
			kubectl sherpack status myshop

			# Follow an upgrade that runs in another terminal
			kubectl sherpack status myshop --watch

			# Show the result of an upgrade that was rolled back
			kubectl sherpack status myshop --revision 7

			# Show how long each step took
			kubectl sherpack status myshop --timeline

			# Write a report of the last operation, such as an artifact of a CI job
			kubectl sherpack status myshop -o html

			# Print the state for a script
			kubectl sherpack status myshop -o jsonpath='{.status.phase}'`),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.ToOptions(cmd, args, answerScreen(streams.Out).IsTerminal())
			if err != nil {
				return err
			}
			options.Getter, options.IOStreams = getter, streams
			return options.Run(cmd.Context())
		},
	}
	flags.AddFlags(command)
	return command
}

// AddFlags adds the flags.
func (f *StatusFlags) AddFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.IntVar(&f.Revision, "revision", f.Revision, "The revision to show. Zero means the newest.")
	flags.BoolVar(&f.Timeline, "timeline", f.Timeline, "Show what the last operation on the revision did when. With -o svg or html as a picture or a page.")
	flags.BoolVarP(&f.Watch, "watch", "w", f.Watch, "Show what changes until the operation ends that is under way.")
	f.Output.AddFlags(command, formSVG, formHTML)
}

// ToOptions checks the flags and completes them. isTerminal says that the answer is shown on a terminal.
func (f *StatusFlags) ToOptions(command *cobra.Command, args []string, isTerminal bool) (*StatusOptions, error) {
	name, err := releaseName(args[0])
	if err != nil {
		return nil, err
	}
	if err := notNegative("--revision", f.Revision); err != nil {
		return nil, err
	}
	if err := f.Output.Check(command); err != nil {
		return nil, err
	}
	if err := f.checkTogether(command); err != nil {
		return nil, err
	}
	style, err := styleOn(command, isTerminal)
	return &StatusOptions{Name: name, Revision: f.Revision, Timeline: f.Timeline, Watch: f.Watch, Output: f.Output, Style: style}, err
}

// checkTogether refuses flags that exclude each other.
func (f *StatusFlags) checkTogether(command *cobra.Command) error {
	format := *f.Output.OutputFormat
	switch {
	case f.Timeline && f.Output.Own() == "" && (format != "" || f.Output.ForMachines()):
		return &UsageError{command.CommandPath(), fmt.Errorf("--timeline --output %q: must be svg or html, or omitted for text", format)}
	case f.Watch && f.Output.ForMachines():
		return &UsageError{command.CommandPath(), fmt.Errorf("--watch --output %q: must be wide or omitted", format)}
	case f.Watch && f.Revision != 0:
		return &UsageError{command.CommandPath(), fmt.Errorf("--watch is about the newest revision: omit --revision")}
	}
	return nil
}

// Run prints the revision.
func (o *StatusOptions) Run(ctx context.Context) error {
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return err
	}
	defer at.Close()
	if o.Watch {
		return o.watch(ctx, at)
	}
	found, err := o.read(ctx, at)
	if err != nil {
		return err
	}
	switch {
	case o.Output.Own() == formHTML:
		return timeline.Page(o.Out, found.Release, time.Now())
	case o.Output.Own() == formSVG:
		return timeline.Of(found.Release, time.Now()).SVG(o.Out)
	case o.Output.ForMachines():
		return o.Output.PrintRelease(found.Release, o.Out)
	case !o.Timeline:
		found.Inspect(ctx, at)
	}
	width, _ := answerScreen(o.Out).Size()
	if err := o.print(o.Out, found, width); err != nil {
		return err
	}
	o.advise(found)
	return nil
}

// advise says on the error stream how an operation is continued that was interrupted. Only that of the newest revision can be.
func (o *StatusOptions) advise(found *statusFound) {
	if found.isNewest && found.Status.Interrupted != "" {
		_, _ = fmt.Fprintln(o.ErrOut, toContinue(o.Name+inNamespace(o.Getter)))
	}
}

// print prints a revision as people read it.
func (o *StatusOptions) print(out io.Writer, found *statusFound, width int) error {
	if o.Timeline {
		return timeline.Of(found.Release, time.Now()).Text(out, width, o.Style)
	}
	return printers.Status(out, printers.StatusView{
		Release: found.Release, RolledBack: found.rolledBack, Live: found.live, Wide: o.Output.IsWide(), Now: time.Now(),
	})
}

// statusFound is what status shows.
type statusFound struct {
	*release.Release
	// isNewest says that it is what the release is now.
	isNewest bool
	// rolledBack says of a failed revision, or of the one that came of it, what it was rolled back to; else it is "".
	rolledBack string
	// targets are the objects of the revision, and live how they are; nil where nobody has asked.
	targets []kube.WaitTarget
	live    []printers.Live
}

// read reads the revision, with the tests of the deployed one where it is the newest.
func (o *StatusOptions) read(ctx context.Context, at *connection) (*statusFound, error) {
	found, history, err := at.Current(ctx, o.Name, o.Revision)
	if err != nil {
		return nil, err
	}
	for _, err := range found.Record.Damage.All() {
		if err != nil {
			at.warnings.Warn("%v", damage(found, err))
		}
	}
	isNewest := found.Spec.Revision == history.Newest().Spec.Revision
	if isNewest {
		if err := at.addTests(ctx, found, history.Deployed()); err != nil {
			return nil, err
		}
	}
	return &statusFound{Release: shown(found, history), isNewest: isNewest, rolledBack: rolledBack(found, history)}, nil
}

// rolledBack says what a failure was rolled back to: of the revision that failed, and of the one that was made of the rollback. It is
// "" of any other.
func rolledBack(r *release.Release, history release.History) string {
	before, after := history.Revision(r.Spec.Revision-1), history.Revision(r.Spec.Revision+1)
	restores := func(next *release.Release) bool {
		return next.Spec.FromRevision != 0 && (next.Status.Phase == release.Deployed || next.Status.Phase == release.Superseded)
	}
	switch {
	case after != nil && r.Status.Phase == release.Failed && restores(after):
		return fmt.Sprintf("to revision %d (now revision %d)", after.Spec.FromRevision, after.Spec.Revision)
	case before != nil && before.Status.Phase == release.Failed && restores(r):
		return words.Join(": ", fmt.Sprintf("to revision %d, after revision %d failed", r.Spec.FromRevision, before.Spec.Revision), before.ShortMessage())
	}
	return ""
}

// Inspect asks how the objects of the newest revision are. What an older one had is the newest's by now, or gone.
func (f *statusFound) Inspect(ctx context.Context, at *connection) {
	if !f.isNewest || len(f.Status.Resources) == 0 {
		return
	}
	if f.targets == nil {
		f.targets = targetsOf(f.Release)
	}
	f.live = nil
	for _, seen := range at.cluster.Inspect(ctx, f.targets, plan.OwnerOf(f.Release).Selector()) {
		f.live = append(f.live, printers.Live{
			Condition: string(seen.Condition), Message: seen.Message, Reasons: seen.Reasons, Created: seen.Created.Time,
		})
	}
	for _, notice := range at.cluster.Notices() {
		at.warnings.Warn("%s", notice)
	}
}

// targetsOf are the objects that a revision is known to have, in the order in which they are shown. A manifest is only read where
// it says of an object when it is ready.
func targetsOf(r *release.Release) []kube.WaitTarget {
	text := r.Content.Manifest
	if !strings.Contains(text, hook.ReadyWhenAnnotation) && !strings.Contains(text, hook.FailedWhenAnnotation) {
		return lifecycle.Targets(r, nil)
	}
	nodes, err := manifest.DecodeStream([]byte(text))
	if err != nil {
		nodes = nil
	}
	return lifecycle.Targets(r, nodes)
}

// addTests adds to the newest revision the tests of the deployed one, where that is another: the last test run is of
// interest whatever failed since.
func (r records) addTests(ctx context.Context, newest, deployed *release.Release) error {
	if deployed == nil || deployed.Spec.Revision == newest.Spec.Revision {
		return nil
	}
	tested, err := r.Salvage(ctx, deployed)
	if err != nil {
		return err
	}
	for _, record := range tested.Status.Hooks {
		if record.Phase == string(hook.Test) {
			record.FromRevision = deployed.Spec.Revision
			newest.Status.Hooks = append(newest.Status.Hooks, record)
		}
	}
	return nil
}

// shown returns a release as it is printed.
func shown(r *release.Release, history release.History) *release.Release {
	deployed := 0
	if found := history.Deployed(); found != nil {
		deployed = found.Spec.Revision
	}
	return r.Shown(deployed)
}
