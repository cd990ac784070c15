package plugin

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// RunFlags are the flags of every verb that runs a plan. What else a verb has is in bundles of flags, one for each concern. A
// verb sets Asks, Getter and IOStreams; AddFlags sets the defaults of all else.
type RunFlags struct {
	Timeout     time.Duration
	LockTimeout time.Duration
	Progress    progressFlags
	Logs        string
	// NoHooks says that the verb runs no hooks, so that it has no flag for Logs.
	NoHooks bool
	Output  outputFlags
	// Asks is what the verb may ask before, as a clause; "" where it asks nothing and has no flag for Yes.
	Asks string
	Yes  bool
	// Forms are forms of -o that only the verb has.
	Forms  []string
	Getter genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

// RunOptions are what every verb needs that runs a plan.
type RunOptions struct {
	Name string
	Plan plan.Options
	// LockTimeout is how long another command is waited for.
	LockTimeout time.Duration
	// DryRun only tells what would be done.
	DryRun cmdutil.DryRunStrategy
	Review reviewOptions
	// Progress is how the run is shown.
	Progress progressOptions
	Output   outputFlags
	Getter   genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

// isDry reports whether nothing is to be changed.
func (o *RunOptions) isDry() bool { return o.DryRun != cmdutil.DryRunNone }

// planFlags are a bundle of flags that choose how an operation is planned.
type planFlags interface {
	// AddFlags adds the flags to those of a verb.
	AddFlags(flags *pflag.FlagSet)
	// ApplyTo checks the flags and writes what they mean into options.
	ApplyTo(options *plan.Options) error
}

const (
	// dryRunFlag is kubectl's.
	dryRunFlag = "dry-run"
	// The defaults are Helm's.
	defaultTimeout    = 5 * time.Minute
	defaultHistoryMax = 10
)

// AddFlags adds what every verb has that runs a plan, and the bundles that this one has besides.
func (f *RunFlags) AddFlags(command *cobra.Command, bundles ...planFlags) {
	flags := command.Flags()
	cmdutil.AddDryRunFlag(command)
	flags.Lookup(dryRunFlag).Usage = `Must be "none", "server" or "client". client: print the plan from the stored release only; server: also read the cluster and submit every write as a dry run.`
	flags.DurationVar(&f.Timeout, "timeout", defaultTimeout,
		"Time limit of the operation, such as 90s or 10m, counted from when the release is locked and questions are answered. Zero means no limit.")
	flags.DurationVar(&f.LockTimeout, "lock-timeout", 0,
		"How long to wait for another command that holds the lock of the release. Zero means no longer than it takes to detect that the holder is dead.")
	f.Progress.AddFlags(flags)
	if f.Logs = string(plan.LogsOfFailed); !f.NoHooks {
		flags.StringVar(&f.Logs, "logs", f.Logs, "Hook logs to show: failed (the end of the log of a failed hook), all (streamed) or none.")
	}
	f.Output.AddFlags(command, f.Forms...)
	if f.Asks != "" {
		flags.BoolVarP(&f.Yes, "yes", "y", f.Yes, "Do not ask before "+f.Asks+".")
	}
	for _, bundle := range bundles {
		bundle.AddFlags(flags)
	}
}

// ToOptions checks the flags, with the bundles that the verb has besides, and completes them. name is the argument that names
// the release.
func (f *RunFlags) ToOptions(command *cobra.Command, name string, bundles ...planFlags) (RunOptions, error) {
	options := RunOptions{LockTimeout: f.LockTimeout, Review: reviewOptions{Yes: f.Yes}, Output: f.Output, Getter: f.Getter, IOStreams: f.IOStreams}
	if err := f.Output.Check(command); err != nil {
		return options, err
	}
	var err error
	if options.Name, err = releaseName(name); err != nil {
		return options, err
	}
	if options.Plan, err = f.planOptions(bundles); err != nil {
		return options, err
	}
	if options.DryRun, err = cmdutil.GetDryRunStrategy(command); err != nil {
		return options, &UsageError{command.CommandPath(), err}
	}
	options.Progress, err = f.Progress.ToOptions(command)
	return options, err
}

func (f *RunFlags) planOptions(bundles []planFlags) (plan.Options, error) {
	options := plan.Options{Timeout: f.Timeout, Logs: plan.Logs(f.Logs)}
	if !slices.Contains([]plan.Logs{plan.LogsOfFailed, plan.AllLogs, plan.NoLogs}, options.Logs) {
		return options, inputError{fmt.Errorf("--logs %q: valid words: failed, all, none", f.Logs)}
	}
	if err := notNegative("--timeout", f.Timeout); err != nil {
		return options, err
	}
	if err := notNegative("--lock-timeout", f.LockTimeout); err != nil {
		return options, err
	}
	for _, bundle := range bundles {
		if err := bundle.ApplyTo(&options); err != nil {
			return options, err
		}
	}
	return options, nil
}

// releaseName accepts NAME, and release/NAME and release.sherpack.io/NAME as `-o name` prints it.
func releaseName(argument string) (string, error) {
	kind, name, found := strings.Cut(argument, "/")
	if !found {
		name = argument
	} else if kind != "release" && kind != "release.sherpack.io" {
		return "", inputError{fmt.Errorf("release name %q: only release/NAME may have a prefix", argument)}
	}
	if err := release.CheckName(name); err != nil {
		return "", inputError{err}
	}
	return name, nil
}

// hookFlags are those of the verbs that run hooks besides other work.
type hookFlags struct {
	None bool
	Skip []string
}

// AddFlags adds --no-hooks and --skip-hooks.
func (f *hookFlags) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.None, "no-hooks", f.None, "Skip all hooks.")
	flags.StringSliceVar(&f.Skip, "skip-hooks", f.Skip, "Skip the hooks of these phases, such as pre-install,post-install. Can be repeated.")
}

// ApplyTo implements planFlags. It refuses phases that there are not.
func (f *hookFlags) ApplyTo(options *plan.Options) error {
	for _, word := range f.Skip {
		phase := hook.Phase(strings.TrimSpace(word))
		if !slices.Contains(hook.Phases(), phase) {
			return inputError{fmt.Errorf("--skip-hooks: unknown phase %q; valid phases: %s%s", word, phaseList(), words.Suggestion(word, hook.Phases()))}
		}
		options.SkipPhases = append(options.SkipPhases, phase)
	}
	if f.None {
		options.SkipPhases = hook.Phases()
	}
	return nil
}

func phaseList() string {
	var names []string
	for _, phase := range hook.Phases() {
		names = append(names, string(phase))
	}
	return strings.Join(names, ", ")
}

// applyFlags are those of the verbs that apply objects.
type applyFlags struct {
	Wait              bool
	ForceConflicts    bool
	TakeOwnership     bool
	RecreateImmutable bool
}

// AddFlags adds what chooses how objects are applied.
func (f *applyFlags) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.Wait, "wait", f.Wait, "Wait until all resources are ready.")
	flags.BoolVar(&f.ForceConflicts, "force-conflicts", f.ForceConflicts, "Take over fields that belong to other field managers.")
	flags.BoolVar(&f.TakeOwnership, "take-ownership", f.TakeOwnership,
		"Adopt existing objects that are not part of any release, or belong to Helm or another release, with the fields that kubectl or Helm manages. If the operation fails with --atomic, they are given back. Also prune objects with the labels of the release that were replaced or restored from a backup.")
	flags.BoolVar(&f.RecreateImmutable, "recreate-immutable", f.RecreateImmutable,
		"Delete and recreate objects whose immutable fields change. PersistentVolumeClaims, Namespaces and custom resource definitions need the annotation sherpack.io/on-immutable for that.")
}

// ApplyTo implements planFlags.
func (f *applyFlags) ApplyTo(options *plan.Options) error {
	options.Wait, options.ForceConflicts = f.Wait, f.ForceConflicts
	options.TakeOwnership, options.RecreateImmutable = f.TakeOwnership, f.RecreateImmutable
	return nil
}

// historyFlags are those of the verbs that end with a revision more in the history.
type historyFlags struct{ Max int }

// AddFlags adds --history-max.
func (f *historyFlags) AddFlags(flags *pflag.FlagSet) {
	flags.IntVar(&f.Max, "history-max", defaultHistoryMax, "How many revisions to keep. Zero means all.")
}

// ApplyTo implements planFlags.
func (f *historyFlags) ApplyTo(options *plan.Options) error {
	if err := notNegative("--history-max", f.Max); err != nil {
		return err
	}
	options.HistoryMax = f.Max
	return nil
}

// maxDescription is how many bytes of a description are stored.
const maxDescription = 1024

// descriptionFlag is what the user says about a new revision.
type descriptionFlag string

// AddFlags adds --description.
func (f *descriptionFlag) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar((*string)(f), "description", "", "Description stored with the revision.")
}

// ApplyTo implements planFlags. It refuses what is too long to be stored.
func (f *descriptionFlag) ApplyTo(*plan.Options) error {
	if len(*f) > maxDescription {
		return inputError{fmt.Errorf("--description: has %d bytes, at most %d are kept", len(*f), maxDescription)}
	}
	return nil
}

// beforeChanges is what the verbs ask about that have reviewFlags.
const beforeChanges = "changing anything, with --confirm"

// reviewFlags are those of the verbs that apply a manifest.
type reviewFlags struct{ Diff, Confirm bool }

// AddFlags adds --diff and --confirm.
func (f *reviewFlags) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.Diff, "diff", f.Diff, "Print on stderr what would change, as kubectl sherpack diff does, before anything is changed.")
	flags.BoolVar(&f.Confirm, "confirm", f.Confirm, "Ask before anything is changed, after --diff has shown what would be. Needs a terminal, or --yes.")
}

// ApplyTo checks the flags and writes what they mean into the options of a run.
func (f reviewFlags) ApplyTo(options *RunOptions) error {
	switch {
	case f.Diff && options.DryRun == cmdutil.DryRunClient:
		return inputError{errors.New("--diff compares with the cluster, which --dry-run=client does not ask; use --dry-run=server")}
	case f.Confirm && !options.Review.Yes && !options.isDry() && !isTerminal(options.In):
		return inputError{errors.New("--confirm: standard input is no terminal, so there is nobody to ask; to confirm beforehand, use --yes")}
	}
	options.Review.Diff, options.Review.Confirm = f.Diff, f.Confirm
	return nil
}

// reviewOptions are what is shown and asked before anything is changed.
type reviewOptions struct {
	// Diff compares what is on the cluster with what the plan would make of it, and Confirm asks whether to proceed.
	Diff, Confirm bool
	// Yes asks nothing.
	Yes bool
	// Show prints what a dry run has found, and what it would be refused for, in place of the plan; nil prints the plan.
	Show func(preview lifecycle.Preview, refused error) error
}

// beforeDeletions is what the verbs ask about that may delete custom resource definitions.
const beforeDeletions = "deleting custom resource definitions, or running stored hooks outside of the release's namespace"

// definitionFlags are those of the verbs that may delete custom resource definitions.
type definitionFlags struct{ Delete bool }

// AddFlags adds --delete-crds.
func (f *definitionFlags) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.Delete, "delete-crds", f.Delete, "Also delete or revert custom resource definitions. Deletes all objects of their kinds.")
}

// ApplyTo implements planFlags.
func (f *definitionFlags) ApplyTo(options *plan.Options) error {
	options.DeleteCRDs = f.Delete
	return nil
}

// removalFlags are those of the verbs that may remove a release.
type removalFlags struct {
	KeepHistory bool
	Cascade     string
}

// AddFlags adds --keep-history and --cascade.
func (f *removalFlags) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.KeepHistory, "keep-history", f.KeepHistory, "Keep the history of the uninstalled release.")
	flags.StringVar(&f.Cascade, "cascade", f.Cascade,
		"Must be \"background\", \"foreground\" or \"orphan\". How dependents of the deleted objects, such as Pods, are deleted. Defaults to foreground with --wait, otherwise background.")
}

// ApplyTo implements planFlags.
func (f *removalFlags) ApplyTo(options *plan.Options) (err error) {
	options.KeepHistory = f.KeepHistory
	options.Cascade, err = propagation(f.Cascade)
	return err
}

// propagation reads what --cascade says, in kubectl's words.
func propagation(cascade string) (metav1.DeletionPropagation, error) {
	switch cascade {
	case "":
		return "", nil
	case "background":
		return metav1.DeletePropagationBackground, nil
	case "foreground":
		return metav1.DeletePropagationForeground, nil
	case "orphan":
		return metav1.DeletePropagationOrphan, nil
	}
	return "", inputError{fmt.Errorf("--cascade %q: valid words: background, foreground, orphan", cascade)}
}

// failureFlags choose what becomes of a release when the work on it fails.
type failureFlags struct{ Atomic bool }

// AddFlags adds --atomic.
func (f *failureFlags) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.Atomic, "atomic", f.Atomic,
		"Roll back on failure (install: uninstall). Implies --wait.")
}

// ApplyTo implements planFlags: what fails before it is ready has failed, too.
func (f *failureFlags) ApplyTo(options *plan.Options) error {
	options.Wait = options.Wait || f.Atomic
	return nil
}

// notNegative refuses a value of a flag below zero.
func notNegative[T int | time.Duration](flag string, value T) error {
	if value < 0 {
		return inputError{fmt.Errorf("%s %v: must not be negative", flag, value)}
	}
	return nil
}
