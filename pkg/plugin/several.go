package plugin

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// severalFlags choose on which releases a command works.
type severalFlags struct{ All bool }

// AddFlags adds --all.
func (f *severalFlags) AddFlags(command *cobra.Command, usage string) {
	command.Flags().BoolVar(&f.All, "all", false, usage)
}

// Args accepts names, or none with --all.
func (f *severalFlags) Args(command *cobra.Command, args []string) error {
	switch {
	case f.All && len(args) > 0:
		return errors.New("--all is about all releases of the namespace: omit NAME")
	case !f.All && len(args) == 0:
		return fmt.Errorf("%s needs NAME, or --all", command.Name())
	}
	return nil
}

// Each does something for each release, one after another, also where an earlier one has failed. all names them where no names are
// given.
func (f *severalFlags) Each(command *cobra.Command, names []string, run *RunFlags, all func(context.Context, *connection) ([]string, error), do func(RunOptions) error) error {
	ctx := command.Context()
	if f.All {
		at, err := connect(run.Getter, run.IOStreams)
		if err != nil {
			return err
		}
		names, err = all(ctx, at)
		at.Close()
		if err != nil {
			return err
		}
		if len(names) == 0 {
			_, _ = fmt.Fprintf(run.ErrOut, "No releases found in %s namespace.\n", at.namespace)
		}
	}
	for _, name := range names {
		// A name that Helm allows and that cannot be one here does not keep the others from being worked on.
		if _, err := run.ToOptions(command, name); err != nil && !f.All {
			return err
		}
	}
	return eachOf(ctx, names, func(name string) error {
		options, err := run.ToOptions(command, name)
		if err != nil {
			return err
		}
		return do(options)
	})
}

// eachOf does something for each of several releases. An interrupt ends it.
func eachOf[T any](ctx context.Context, all []T, do func(T) error) error {
	var failures []error
	for _, one := range all {
		if err := do(one); err != nil {
			failures = append(failures, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	switch len(failures) {
	case 0:
		return nil
	case 1:
		return failures[0]
	}
	return severalError(failures)
}
