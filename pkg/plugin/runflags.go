package plugin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// RunFlags are the flags of the verbs that run a plan. Which of them a verb has, it says when it adds them.
type RunFlags struct {
	Timeout           time.Duration
	LockTimeout       time.Duration
	Events            string
	NoHooks           bool
	SkipHooks         []string
	Wait              bool
	ForceConflicts    bool
	TakeOwnership     bool
	RecreateImmutable bool
	HistoryMax        int
	Description       string
	DeleteCRDs        bool
	KeepHistory       bool
	Cascade           string
	Yes               bool
}

// The defaults are Helm's.
const (
	defaultTimeout    = 5 * time.Minute
	defaultHistoryMax = 10
)

// maxDescription is how many bytes of a description are stored.
const maxDescription = 1024

func newRunFlags() RunFlags {
	return RunFlags{Timeout: defaultTimeout, Events: eventsText, HistoryMax: defaultHistoryMax}
}

// addFlags adds what every verb has that runs a plan.
func (f *RunFlags) addFlags(command *cobra.Command) {
	flags := command.Flags()
	cmdutil.AddDryRunFlag(command)
	flags.Lookup(dryRunFlag).Usage = `Must be "none", "server" or "client". With client only say what would be done, by what the release's record says. With server look at the cluster, too, and try every write without doing it.`
	flags.DurationVar(&f.Timeout, "timeout", f.Timeout,
		"How long the work may take in all, such as 90s or 10m, once the release is locked and all questions are answered. Zero means no limit.")
	flags.DurationVar(&f.LockTimeout, "lock-timeout", f.LockTimeout,
		"How long to wait for another command that works on the release. Zero means only as long as it takes to see that the process that holds it is gone.")
	flags.StringVar(&f.Events, eventsFlag, f.Events, "How to show what happens, on the error stream: text, json (one line each) or none.")
}

// addHookFlags adds what the verbs have that run hooks besides other work.
func (f *RunFlags) addHookFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.NoHooks, "no-hooks", f.NoHooks, "Run no hooks at all.")
	flags.StringSliceVar(&f.SkipHooks, "skip-hooks", f.SkipHooks, "Do not run the hooks of these phases, as in pre-install,post-install. Can be repeated.")
}

// addRevisionFlags adds what the verbs have that make a revision.
func (f *RunFlags) addRevisionFlags(command *cobra.Command) {
	f.addApplyFlags(command)
	command.Flags().StringVar(&f.Description, "description", f.Description, "What to say about the new revision in its history.")
}

// addApplyFlags adds what the verbs have that apply objects.
func (f *RunFlags) addApplyFlags(command *cobra.Command) {
	flags := command.Flags()
	f.addFlags(command)
	f.addHookFlags(flags)
	flags.BoolVar(&f.Wait, "wait", f.Wait, "Wait until everything that was applied is ready.")
	flags.BoolVar(&f.ForceConflicts, "force-conflicts", f.ForceConflicts, "Take over fields that another manager of an object owns.")
	flags.BoolVar(&f.TakeOwnership, "take-ownership", f.TakeOwnership,
		"Take over objects that exist already and belong to nobody, to Helm or to another release. Their fields that kubectl or Helm manages become the release's. If the work fails with --atomic, they are given back as they were. Also remove what has left the pack where it was replaced or restored from a backup.")
	flags.BoolVar(&f.RecreateImmutable, "recreate-immutable", f.RecreateImmutable,
		"Delete objects that cannot be changed in place, and make them anew. Not PersistentVolumeClaims, Namespaces and custom resource definitions: these must say so themselves.")
	flags.IntVar(&f.HistoryMax, "history-max", f.HistoryMax, "How many revisions of the release are kept. Zero means all.")
}

// addDeletionFlags adds what the verbs have that may delete custom resource definitions.
func (f *RunFlags) addDeletionFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.DeleteCRDs, "delete-crds", f.DeleteCRDs, "Treat custom resource definitions like all else when they go or go back. All objects of their kinds go with them.")
	f.addYesFlag(flags, "custom resource definitions are deleted, or stored hooks run outside of the release's namespace")
}

// addYesFlag adds what the verbs have that may ask. before says what for.
func (f *RunFlags) addYesFlag(flags *pflag.FlagSet, before string) {
	flags.BoolVarP(&f.Yes, "yes", "y", f.Yes, "Do not ask before "+before+".")
}

// addRemovalFlags adds what the verbs have that may remove a release.
func (f *RunFlags) addRemovalFlags(flags *pflag.FlagSet) {
	f.addDeletionFlags(flags)
	flags.BoolVar(&f.KeepHistory, "keep-history", f.KeepHistory, "Keep the record of a release that is removed.")
	flags.StringVar(&f.Cascade, "cascade", f.Cascade,
		"What becomes of the objects that depend on those of a release that is removed: background, foreground or orphan. Without it foreground with --wait, so that Pods are gone, too, and else background.")
}

// options checks the flags and returns what they mean for a plan.
func (f *RunFlags) options() (plan.Options, error) {
	options := plan.Options{
		Timeout: f.Timeout, Wait: f.Wait, ForceConflicts: f.ForceConflicts, HistoryMax: f.HistoryMax,
		RecreateImmutable: f.RecreateImmutable, DeleteCRDs: f.DeleteCRDs, TakeOwnership: f.TakeOwnership,
		KeepHistory: f.KeepHistory,
	}
	var err error
	if options.Cascade, err = propagation(f.Cascade); err != nil {
		return options, err
	}
	if f.Timeout < 0 {
		return options, inputError{fmt.Errorf("--timeout %s: must not be negative", f.Timeout)}
	}
	if f.LockTimeout < 0 {
		return options, inputError{fmt.Errorf("--lock-timeout %s: must not be negative", f.LockTimeout)}
	}
	if f.HistoryMax < 0 {
		return options, inputError{fmt.Errorf("--history-max %d: must not be negative", f.HistoryMax)}
	}
	if len(f.Description) > maxDescription {
		return options, inputError{fmt.Errorf("--description: has %d bytes, at most %d are kept", len(f.Description), maxDescription)}
	}
	for _, word := range f.SkipHooks {
		phase := hook.Phase(strings.TrimSpace(word))
		if !slices.Contains(hook.Phases(), phase) {
			return options, inputError{fmt.Errorf("--skip-hooks: unknown phase %q; valid phases: %s", word, phaseList())}
		}
		options.SkipPhases = append(options.SkipPhases, phase)
	}
	if f.NoHooks {
		options.SkipPhases = hook.Phases()
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

// RunOptions are what every verb needs that runs a plan.
type RunOptions struct {
	Name        string
	Plan        plan.Options
	Description string
	// LockTimeout is how long another command is waited for.
	LockTimeout time.Duration
	// DryRun only tells what would be done.
	DryRun cmdutil.DryRunStrategy
	// Yes asks nothing.
	Yes     bool
	Observe func(lifecycle.Event)
	Output  outputFlags
	Getter  genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

// toOptions checks the flags and completes them. name is the argument that names the release.
func (f *RunFlags) toOptions(command *cobra.Command, name string, getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) (RunOptions, error) {
	options := RunOptions{LockTimeout: f.LockTimeout, Description: f.Description, Yes: f.Yes, Output: newOutputFlags(), Getter: getter, IOStreams: streams}
	var err error
	if options.Name, err = releaseName(name); err != nil {
		return options, err
	}
	if options.Plan, err = f.options(); err != nil {
		return options, err
	}
	if options.DryRun, err = cmdutil.GetDryRunStrategy(command); err != nil {
		return options, &UsageError{command.CommandPath(), err}
	}
	options.Observe, err = observer(f.Events, verbosity(command), streams.ErrOut)
	return options, err
}

// run runs a plan within its time, or says what that would do.
func (o *RunOptions) run(ctx context.Context, target *target, planned plan.Plan) (plan.Result, error) {
	target.nameMarked(ctx, planned)
	do := o.carryOut
	if o.isDry() {
		do = o.rehearse
	}
	result, err := do(ctx, target, planned)
	if err != nil {
		err = fmt.Errorf("%s %s: %w", doing(planned), o.Name, err)
	}
	return result, err
}

func (o *RunOptions) carryOut(ctx context.Context, target *target, planned plan.Plan) (plan.Result, error) {
	ctx, cancel := target.whileHeld(ctx)
	defer cancel()
	runner := lifecycle.Runner{Cluster: target.cluster, Store: target.store, Observe: target.told(o.Observe), Now: time.Now}
	result, err := runner.Run(ctx, planned)
	return result, target.orLost(o.Name, err)
}

// doing is what a plan does, as its user calls it: a rollback of what was uninstalled runs as an installation.
func doing(planned plan.Plan) release.Operation {
	if planned.Release.Spec.FromRevision != 0 && planned.Operation == release.OperationInstall {
		return release.OperationRollback
	}
	return planned.Operation
}
