package plugin

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// RollbackFlags are the flags of rollback.
type RollbackFlags struct {
	Run         RunFlags
	Hooks       hookFlags
	Apply       applyFlags
	History     historyFlags
	Description descriptionFlag
	Definitions definitionFlags
	Review      reviewFlags
}

// RollbackOptions are what a rollback needs.
type RollbackOptions struct {
	// Revision is the one to restore; 0 for the last that was deployed.
	Revision    int
	Description string
	RunOptions
}

func newRollbackCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := RollbackFlags{Run: RunFlags{Getter: getter, IOStreams: streams, Asks: beforeDeletions + ", or " + beforeChanges}}
	command := &cobra.Command{
		Use:   "rollback NAME [REVISION]",
		Short: "Roll back a release to a previous revision",
		Long: templates.LongDesc(`
			Roll back a release to a previous revision. The stored manifest of that revision is applied again as a new
			revision; templates are not rendered.

			The pre-rollback hooks come from the revision being left, the post-rollback hooks from the revision being
			restored. Custom resource definitions are not changed.

			Without REVISION, roll back to the deployed revision if the newest one has failed, otherwise to the revision
			deployed before it.`),
		Example: templates.Examples(`
			# Undo the last upgrade of release myshop
			kubectl sherpack rollback myshop

			# Roll back to revision 3 and wait until everything is ready
			kubectl sherpack rollback myshop 3 --wait`),
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.ToOptions(cmd, args)
			if err != nil {
				return err
			}
			return options.Run(cmd.Context())
		},
	}
	flags.AddFlags(command)
	return command
}

func (f *RollbackFlags) bundles() []planFlags {
	return []planFlags{&f.History, &f.Description, &f.Hooks, &f.Apply, &f.Definitions}
}

// AddFlags adds the flags.
func (f *RollbackFlags) AddFlags(command *cobra.Command) {
	f.Run.AddFlags(command, f.bundles()...)
	f.Review.AddFlags(command.Flags())
}

// ToOptions checks the flags and completes them.
func (f *RollbackFlags) ToOptions(command *cobra.Command, args []string) (*RollbackOptions, error) {
	run, err := f.Run.ToOptions(command, args[0], f.bundles()...)
	if err != nil {
		return nil, err
	}
	if err := f.Review.ApplyTo(&run); err != nil {
		return nil, err
	}
	options := &RollbackOptions{Description: string(f.Description), RunOptions: run}
	if len(args) > 1 {
		options.Revision, err = revisionNumber(args[1])
	}
	return options, err
}

// revisionNumber reads the number of a revision. 0 is allowed, as Helm does, and means none.
func revisionNumber(text string) (int, error) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 {
		return 0, inputError{fmt.Errorf("revision %q: must be a number such as 3", text)}
	}
	return number, nil
}

// Run restores the revision and prints the new one.
func (o *RollbackOptions) Run(ctx context.Context) error {
	done, err := perform(ctx, o.RunOptions, release.OperationRollback, o.plan)
	if err != nil {
		return o.Output.PrintFailed(done, err, o.Out)
	}
	return o.Output.PrintRun(done, done.Said(), o.DryRun, o.Out)
}

func (o *RollbackOptions) plan(ctx context.Context, at planning) (*proposal, error) {
	history, err := at.History(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	newest, err := at.Newest(ctx, history)
	if err != nil {
		return nil, err
	}
	chosen, err := o.choose(history)
	if err != nil {
		return nil, err
	}
	earlier := newest
	if chosen != history.Newest() {
		if earlier, err = at.Salvage(ctx, chosen); err != nil {
			return nil, err
		}
	}
	request, err := at.RollbackRequest(earlier, newest, history, o.Plan)
	if err != nil {
		return nil, err
	}
	at.DoWithoutContent(newest)
	if earlier.Status.Phase == release.Failed {
		at.warnings.Warn("%s", words.Join(": ", fmt.Sprintf("revision %d failed", earlier.Spec.Revision), earlier.ShortMessage()))
	}
	request.Release.Spec.Description = o.Description
	planned, err := plan.New(request)
	if err != nil {
		return nil, err
	}
	return proposeStored(planned, newest), nil
}

// choose returns the revision to go back to.
func (o *RollbackOptions) choose(history release.History) (*release.Release, error) {
	newest := history.Newest()
	if o.Revision != 0 {
		return revisionOf(history, o.Revision)
	}
	chosen := history.Deployed()
	switch {
	case newest.Removed():
		chosen = newest
	case chosen == newest || chosen == nil:
		chosen = history.DeployedBefore(newest.Spec.Revision)
	}
	if chosen == nil {
		return nil, fmt.Errorf("release %q: no other revision was ever deployed; revisions kept: %s: %w", o.Name, kept(history), storage.ErrNotFound)
	}
	return chosen, nil
}
