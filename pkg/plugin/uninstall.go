package plugin

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// UninstallFlags are the flags of uninstall.
type UninstallFlags struct {
	Run            RunFlags
	Hooks          hookFlags
	Delete         deleteFlags
	Definitions    definitionFlags
	Removal        removalFlags
	IgnoreNotFound bool
}

// UninstallOptions are what an uninstallation needs.
type UninstallOptions struct {
	// IgnoreNotFound makes it no error that there is no such release.
	IgnoreNotFound bool
	RunOptions
}

func newUninstallCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := UninstallFlags{Run: RunFlags{Getter: getter, IOStreams: streams, Asks: beforeDeletions}}
	command := &cobra.Command{
		Use:     "uninstall NAME...",
		Aliases: []string{"delete"},
		Short:   "Uninstall a release and delete its resources",
		Long: templates.LongDesc(`
			Uninstall a release: delete its resources, then its record.

			pre-delete hooks run before anything is deleted, post-delete hooks after it. If a pre-delete hook fails, nothing
			is deleted and the release keeps its status; --no-hooks skips the hook.

			Objects that belong to somebody else are not deleted, and neither are objects that carry the labels of the
			release but were replaced or restored from a backup (delete these with --take-ownership). Objects adopted by an
			operation that failed are given back. Custom resource definitions are kept, because deleting them deletes all
			objects of their kinds, and so are Namespaces that are not empty.`),
		Example: templates.Examples(`
			# Uninstall a release
			kubectl sherpack uninstall myshop

			# Uninstall two releases; continue with the second if the first fails
			kubectl sherpack uninstall myshop mycache

			# Uninstall without hooks, wait until everything is gone, and keep the history
			kubectl sherpack uninstall myshop --no-hooks --wait --keep-history`),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			all := make([]*UninstallOptions, len(args))
			for i, name := range args {
				options, err := flags.ToOptions(cmd, name)
				if err != nil {
					return err
				}
				all[i] = options
			}
			return uninstallAll(cmd.Context(), all)
		},
	}
	flags.AddFlags(command)
	return command
}

func (f *UninstallFlags) bundles() []planFlags {
	return []planFlags{&f.Removal, &f.Hooks, &f.Delete, &f.Definitions}
}

// AddFlags adds the flags.
func (f *UninstallFlags) AddFlags(command *cobra.Command) {
	f.Run.AddFlags(command, f.bundles()...)
	command.Flags().BoolVar(&f.IgnoreNotFound, "ignore-not-found", false, "Succeed if the release does not exist.")
}

// ToOptions checks the flags and completes them for one release.
func (f *UninstallFlags) ToOptions(command *cobra.Command, name string) (*UninstallOptions, error) {
	run, err := f.Run.ToOptions(command, name, f.bundles()...)
	if err != nil {
		return nil, err
	}
	return &UninstallOptions{IgnoreNotFound: f.IgnoreNotFound, RunOptions: run}, nil
}

// deleteFlags choose how objects are deleted. Their names are those of applyFlags.
type deleteFlags struct {
	Wait          bool
	TakeOwnership bool
}

// AddFlags adds --wait and --take-ownership.
func (f *deleteFlags) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.Wait, "wait", false, "Wait until the deleted objects and their Pods are gone.")
	flags.BoolVar(&f.TakeOwnership, "take-ownership", false,
		"Also delete objects with the labels of the release that were replaced or restored from a backup, and let hooks adopt existing objects of their names.")
}

// ApplyTo implements planFlags.
func (f *deleteFlags) ApplyTo(options *plan.Options) error {
	options.Wait, options.TakeOwnership = f.Wait, f.TakeOwnership
	return nil
}

// uninstallAll removes releases one after another, each also where an earlier one could not be removed. An interrupt ends it. Where
// -o asks for the releases, several are one list.
func uninstallAll(ctx context.Context, all []*UninstallOptions) error {
	var objects []*unstructured.Unstructured
	err := eachOf(ctx, all, func(options *UninstallOptions) error {
		object, err := options.Run(ctx)
		if object != nil {
			objects = append(objects, object)
		}
		return err
	})
	return errors.Join(err, all[0].printAll(objects, len(all)))
}

// printAll prints releases where -o asks for them: one by itself, and several that were asked for as a list.
func (o *UninstallOptions) printAll(objects []*unstructured.Unstructured, asked int) error {
	switch {
	case !o.Output.ForMachines():
		return nil
	case asked > 1:
		return o.Output.print(printers.ListOf(objects), o.Out)
	case len(objects) == 0:
		return nil
	}
	return o.Output.print(objects[0], o.Out)
}

// severalError are the errors of releases that were worked on one after another. The first decides about the exit code.
type severalError []error

// Error has the text of each.
func (e severalError) Error() string { return errors.Join(e...).Error() }

// Unwrap returns the first.
func (e severalError) Unwrap() error { return e[0] }

// Run removes the release. It says so to people; where -o asks for the release, that is returned, also of a removal that has failed,
// if something was recorded.
func (o *UninstallOptions) Run(ctx context.Context) (*unstructured.Unstructured, error) {
	removed, err := o.remove(ctx)
	switch {
	case errors.Is(err, storage.ErrNotFound) && o.IgnoreNotFound:
		return nil, nil
	case err != nil && !removed.IsRecorded():
		return nil, err
	case o.Output.ForMachines():
		object, unshown := removed.Object()
		return object, errors.Join(err, unshown)
	case err != nil:
		return nil, err
	}
	return nil, o.Output.PrintRun(removed, "uninstalled", o.DryRun, o.Out)
}

// remove says what removing the release came to; nil where there is no such release.
func (o *UninstallOptions) remove(ctx context.Context) (*performed, error) {
	removed, err := perform(ctx, o.RunOptions, release.OperationUninstall, o.plan)
	if removed == nil && errors.Is(err, storage.ErrNotFound) {
		return o.removeRest(ctx, err)
	}
	return removed, err
}

// removeRest removes what is left of a release that is not there; a dry run does not look for it. notFound is what to say where there
// is nothing: with what was probably meant, where it is an error.
func (o *UninstallOptions) removeRest(ctx context.Context, notFound error) (*performed, error) {
	s, err := open(o.RunOptions, release.OperationUninstall)
	if err != nil {
		return nil, err
	}
	defer s.Close(ctx)
	swept := false
	if !o.isDry() {
		swept, err = s.sweep(ctx)
	}
	switch {
	case err != nil:
		return nil, err
	case swept:
		return &performed{Result: plan.Result{Release: release.New(o.Name, s.namespace, 0)}}, nil
	case o.IgnoreNotFound:
		return nil, notFound
	}
	return nil, fmt.Errorf("%w%s", notFound, s.meant(ctx, o.Name))
}

func (o *UninstallOptions) plan(ctx context.Context, at planning) (*proposal, error) {
	history, err := at.Known(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	newest, err := at.Newest(ctx, history)
	if err != nil {
		return nil, err
	}
	request := plan.Request{Release: newest, History: history, Options: o.Plan}
	if newest.Status.Phase == release.Uninstalled {
		if o.Plan.KeepHistory {
			return nil, fmt.Errorf("release %q is already uninstalled; to delete its history, omit --keep-history", newest.Name)
		}
		// Its hooks have run.
		request.Options.SkipPhases = hook.Phases()
	}
	switch lost := newest.Record.Damage.Content; {
	case lost != nil && !request.Options.SkipsRemovalHooks():
		return nil, damageError{
			fmt.Errorf("the hooks of the release cannot be read, and one of pre-delete may be a backup: %w", damage(newest, lost)),
			"To uninstall it without its hooks, use --no-hooks.",
		}
	case lost != nil:
		at.DoWithoutContent(newest)
	default:
		if err := at.CompleteRequest(&request); err != nil {
			return nil, err
		}
	}
	planned, err := plan.Remove(request)
	if err != nil {
		return nil, err
	}
	return proposeStored(planned, newest), nil
}
