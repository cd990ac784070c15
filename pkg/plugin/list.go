package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// ListFlags are the flags of list, beside those of phaseFlags.
type ListFlags struct {
	AllNamespaces bool
	Selector      string
	Output        outputFlags
}

// ListOptions are what list needs.
type ListOptions struct {
	AllNamespaces bool
	// Selector and Phases choose releases by their newest revision. Without Phases it may be in any.
	Selector labels.Selector
	Phases   []release.Phase
	Output   outputFlags
	Getter   genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

// phaseFlag is a flag that chooses releases by the phase of their newest revision.
type phaseFlag struct {
	name   string
	phases []release.Phase
}

// phaseFlags are those that Helm has.
func phaseFlags() []phaseFlag {
	return []phaseFlag{
		{"deployed", []release.Phase{release.Deployed}},
		{"failed", []release.Phase{release.Failed}},
		{"pending", []release.Phase{release.PendingInstall, release.PendingUpgrade, release.PendingRollback}},
		{"superseded", []release.Phase{release.Superseded}},
		{"uninstalled", []release.Phase{release.Uninstalled}},
		{"uninstalling", []release.Phase{release.Uninstalling}},
	}
}

func newListCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	var flags ListFlags
	command := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List releases",
		Long: templates.LongDesc(`
			List the releases in a namespace, with the newest revision of each. Filters apply to that revision.`),
		Example: templates.Examples(`
			# List the releases of the current namespace
			kubectl sherpack list

			# List the releases of all namespaces
			kubectl sherpack list -A

			# List those that need attention
			kubectl sherpack list --failed --pending`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := flags.ToOptions(cmd)
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
func (f *ListFlags) AddFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVarP(&f.Selector, "selector", "l", f.Selector, "Only list releases with these labels, as in status=failed or name!=shop.")
	flags.BoolVarP(&f.AllNamespaces, "all-namespaces", "A", false, "List the releases of all namespaces.")
	for _, flag := range phaseFlags() {
		flags.Bool(flag.name, false, "Only list releases that are "+flag.name+". Status filters can be combined (OR).")
	}
	f.Output.AddFlags(command)
	flags.BoolVar(f.Output.NoHeaders, "no-headers", false, "Do not print column headers.")
}

// ToOptions checks the flags and completes them.
func (f *ListFlags) ToOptions(command *cobra.Command) (*ListOptions, error) {
	options := &ListOptions{AllNamespaces: f.AllNamespaces, Output: f.Output}
	if err := f.Output.Check(command); err != nil {
		return nil, err
	}
	for _, flag := range phaseFlags() {
		if set, err := command.Flags().GetBool(flag.name); err != nil {
			return nil, err
		} else if set {
			options.Phases = append(options.Phases, flag.phases...)
		}
	}
	var err error
	if options.Selector, err = labels.Parse(f.Selector); err != nil {
		return nil, inputError{fmt.Errorf("--selector %q: %w", f.Selector, err)}
	}
	return options, nil
}

// Run prints the releases.
func (o *ListOptions) Run(ctx context.Context) error {
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return err
	}
	defer at.Close()
	namespace := at.namespace
	if o.AllNamespaces {
		namespace = metav1.NamespaceAll
	}
	releases, err := at.store.List(ctx, namespace, o.Selector)
	if errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrNewerFormat) {
		_, _ = fmt.Fprintln(o.ErrOut, "warning: "+printers.Clean(err.Error()))
		err = nil
	}
	if err != nil {
		return err
	}
	releases = o.inPhases(releases)
	if err := at.ShowInterrupted(ctx, releases); err != nil {
		return err
	}
	return o.print(releases, namespace)
}

// inPhases returns the releases that are in one of the phases asked for.
func (o *ListOptions) inPhases(releases release.History) release.History {
	return slices.DeleteFunc(releases, func(r *release.Release) bool {
		return len(o.Phases) > 0 && !slices.Contains(o.Phases, r.Status.Phase)
	})
}

func (o *ListOptions) print(releases release.History, namespace string) error {
	if !o.Output.ForMachines() {
		if len(releases) == 0 {
			return o.printNone(namespace)
		}
		if o.AllNamespaces {
			if err := o.Output.EnsureWithNamespace(); err != nil {
				return err
			}
		}
	}
	return o.Output.PrintReleases(releases, printers.Table(releases, time.Now()), o.Out)
}

func (o *ListOptions) printNone(namespace string) error {
	text := fmt.Sprintf("No releases found in %s namespace.\n", namespace)
	if o.AllNamespaces {
		text = "No releases found.\n"
	}
	_, err := fmt.Fprint(o.ErrOut, text)
	return err
}
