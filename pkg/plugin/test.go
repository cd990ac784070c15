package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// formJUnit is the form of -o that only test has.
const formJUnit = "junit"

// TestFlags are the flags of test.
type TestFlags struct {
	Run       RunFlags
	KeepGoing bool
	Filter    []string
}

// TestOptions are what running the tests of a release needs.
type TestOptions struct {
	Tests plan.Tests
	RunOptions
}

func newTestCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := TestFlags{Run: RunFlags{Getter: getter, IOStreams: streams, Forms: []string{formJUnit}, Asks: "running stored hooks outside of the release's namespace"}}
	command := &cobra.Command{
		Use:   "test NAME",
		Short: "Run the tests of a release",
		Long: templates.LongDesc(`
			Run the test hooks of the deployed revision, one after another, and stop at the first failure. The results are
			recorded; status shows them. With -o junit, print a JUnit XML report.`),
		Example: templates.Examples(`
			# Run the tests of a release
			kubectl sherpack test myshop

			# Run all tests but load, even if some fail
			kubectl sherpack test myshop --keep-going --filter '!load'

			# Print a JUnit report for CI
			kubectl sherpack test myshop -o junit`),
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

// AddFlags adds the flags.
func (f *TestFlags) AddFlags(command *cobra.Command) {
	f.Run.AddFlags(command)
	command.Flags().BoolVar(&f.KeepGoing, "keep-going", false, "Continue with the other tests after a failure.")
	command.Flags().StringSliceVar(&f.Filter, "filter", nil, "Run only the tests of these names (smoke or name=smoke), or all but these ('!load'). Can be repeated.")
}

// ToOptions checks the flags and completes them.
func (f *TestFlags) ToOptions(command *cobra.Command, args []string) (*TestOptions, error) {
	run, err := f.Run.ToOptions(command, args[0])
	if err != nil {
		return nil, err
	}
	if run.isDry() && run.Output.Own() != "" {
		return nil, &UsageError{command.CommandPath(), fmt.Errorf("--output %s is about tests that have run: omit --dry-run", formJUnit)}
	}
	tests, err := readFilter(f.Filter)
	tests.KeepGoing = f.KeepGoing
	return &TestOptions{Tests: tests, RunOptions: run}, err
}

// readFilter reads words in Helm's form, name=smoke and !name=load, and names alone.
func readFilter(words []string) (tests plan.Tests, err error) {
	for _, word := range words {
		names := &tests.Only
		attribute, negated := strings.CutPrefix(strings.TrimSpace(word), "!")
		if negated {
			names = &tests.Except
		}
		name := strings.TrimPrefix(attribute, "name=")
		if name == "" || strings.Contains(name, "=") {
			return tests, inputError{fmt.Errorf("--filter %q: must be TEST or !TEST, or name=TEST or !name=TEST", word)}
		}
		*names = append(*names, name)
	}
	return tests, nil
}

// Run runs the tests and prints a line for each, and one for the revision. Where -o asks for the release, it is printed also when one failed.
func (o *TestOptions) Run(ctx context.Context) error {
	options := o.RunOptions
	var results strings.Builder
	options.Progress.observe = func(event lifecycle.Event) {
		if event.Type == lifecycle.HookFinished {
			elapsed := words.Duration(time.Duration(event.ElapsedMS) * time.Millisecond)
			fmt.Fprintln(&results, printers.Clean(fmt.Sprintf("%s: %s (%s)", event.Title, event.Summary, elapsed)))
		}
	}
	done, err := perform(ctx, options, release.OperationTest, o.plan)
	switch {
	case o.Output.Own() == formJUnit && done != nil:
		err = errors.Join(err, printers.JUnit(o.Out, done.Release))
	case o.Output.Own() == formJUnit:
	case !o.Output.ForMachines():
		if done != nil {
			results.WriteString(resultOfTests(done.Release))
		}
		_, _ = io.WriteString(o.Out, results.String())
	case done != nil:
		err = errors.Join(err, o.Output.PrintRelease(done.Release.Shown(done.Release.Spec.Revision), o.Out))
	}
	return err
}

// resultOfTests says which revision was tested, and how that went; "" where no test has run.
func resultOfTests(tested *release.Release) string {
	result := printers.TestResult(tested.Status.Hooks)
	if result == "" {
		return ""
	}
	return fmt.Sprintf("revision %d: %s\n", tested.Spec.Revision, result)
}

func (o *TestOptions) plan(ctx context.Context, at planning) (*proposal, error) {
	history, err := at.History(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	deployed := history.Deployed()
	if deployed == nil {
		newest := history.Newest()
		return nil, fmt.Errorf("release %q has no deployed revision to test; revision %d is %s", o.Name, newest.Spec.Revision, state(newest))
	}
	request := plan.Request{History: history, Options: o.Plan}
	if request.Release, err = at.Salvage(ctx, deployed); err != nil {
		return nil, err
	}
	if err := at.CompleteRequest(&request); err != nil {
		return nil, err
	}
	// What the tests make is added to it: without the rest it would pass for whole.
	if err := at.CompleteInventory(ctx, request.Release, history); err != nil {
		return nil, err
	}
	planned, err := plan.Test(request, o.Tests)
	if err != nil {
		return nil, err
	}
	proposed := proposeStored(planned, request.Release)
	if len(planned.Steps) == 0 {
		proposed.notes = []string{fmt.Sprintf("release %s has no tests to run", o.Name)}
	}
	return proposed, nil
}
