package plugin

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// ResumeFlags are the flags of resume.
type ResumeFlags struct {
	Run         RunFlags
	Hooks       hookFlags
	Apply       applyFlags
	History     historyFlags
	Definitions definitionFlags
	Removal     removalFlags
}

// ResumeOptions are what resuming an interrupted operation needs.
type ResumeOptions struct{ RunOptions }

func newResumeCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := ResumeFlags{Run: RunFlags{Getter: getter, IOStreams: streams, Asks: beforeDeletions}}
	command := &cobra.Command{
		Use:   "resume NAME",
		Short: "Resume an interrupted operation",
		Long: templates.LongDesc(`
			Resume an install, upgrade, rollback or uninstall that was interrupted by Ctrl-C, or because its process was
			killed.

			The operation continues from its record, without the pack and its values. Hooks that have succeeded do not run
			again; a hook that is still running is waited for and counts. Running the original command again works too: it
			waits for a running hook or deletes it, and runs all hooks again. Flags such as --wait or --keep-history are not recorded: give
			them again.`),
		Example: templates.Examples(`
			# Resume the interrupted operation of release myshop
			kubectl sherpack resume myshop

			# Show what is left to do
			kubectl sherpack resume myshop --dry-run=server`),
		Args: cobra.ExactArgs(1),
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

func (f *ResumeFlags) bundles() []planFlags {
	return []planFlags{&f.Removal, &f.History, &f.Hooks, &f.Apply, &f.Definitions}
}

// AddFlags adds the flags.
func (f *ResumeFlags) AddFlags(command *cobra.Command) {
	f.Run.AddFlags(command, f.bundles()...)
}

// ToOptions checks the flags and completes them.
func (f *ResumeFlags) ToOptions(command *cobra.Command, args []string) (*ResumeOptions, error) {
	run, err := f.Run.ToOptions(command, args[0], f.bundles()...)
	return &ResumeOptions{RunOptions: run}, err
}

// Run resumes the operation and prints the release.
func (o *ResumeOptions) Run(ctx context.Context) error {
	resumed, err := perform(ctx, o.RunOptions, "resume", o.plan)
	if err != nil {
		return o.Output.PrintFailed(resumed, err, o.Out)
	}
	return o.Output.PrintRun(resumed, resumed.Said(), o.DryRun, o.Out)
}

func (o *ResumeOptions) plan(ctx context.Context, at planning) (*proposal, error) {
	newest, history, err := at.Find(ctx, o.Name, 0)
	if err != nil {
		return nil, err
	}
	// What the operation has done, and which of its hooks have run, must be known. What lists show need not be.
	if lost := newest.Record.Damage; cmp.Or(lost.Content, lost.Inventory, lost.Status) != nil {
		return nil, damage(newest, cmp.Or(lost.Content, lost.Inventory, lost.Status))
	}
	interrupted := newest.Status.Interrupted
	if newest.Status.Phase.Pending() {
		// Its lock is not held any more once this plan counts.
		interrupted = newest.Status.Operation
	}
	if interrupted == "" {
		return nil, fmt.Errorf("release %q: nothing to resume: revision %d is %s and was not interrupted", o.Name, newest.Spec.Revision, state(newest))
	}
	request := plan.Request{
		Operation: interrupted, Release: newest, History: history[:len(history)-1], Options: o.Plan,
	}
	if err := o.leave(ctx, at, &request); err != nil {
		return nil, err
	}
	if err := at.CompleteRequest(&request); err != nil {
		return nil, err
	}
	planned, err := plan.Resume(request)
	if err != nil {
		return nil, err
	}
	return proposeStored(planned, nil), nil
}

// leave reads the revision that a rollback leaves, whose hooks run before it.
func (o *ResumeOptions) leave(ctx context.Context, at planning, request *plan.Request) (err error) {
	if request.Operation != release.OperationRollback {
		return nil
	}
	left := request.History.Newest()
	if left == nil {
		return fmt.Errorf("release %q: the revision that revision %d leaves is no longer kept", o.Name, request.Release.Spec.Revision)
	}
	if request.Previous, err = at.Salvage(ctx, left); err != nil {
		return err
	}
	request.Left, err = nodesOf(request.Previous)
	return err
}
