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
	selector := ""
	options := ListOptions{Output: newOutputFlags(), Getter: getter, IOStreams: streams}
	command := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List releases",
		Long: templates.LongDesc(`
			List the releases of a namespace, each with its newest revision. Flags that choose among them speak of that
			revision, too.`),
		Example: templates.Examples(`
			# List the releases of the current namespace
			kubectl sherpack list

			# List the releases of all namespaces
			kubectl sherpack list -A

			# List those that need attention
			kubectl sherpack list --failed --pending`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := options.complete(cmd, selector); err != nil {
				return err
			}
			return options.Run(cmd.Context())
		},
	}
	command.Flags().StringVarP(&selector, "selector", "l", selector, "Only list releases with these labels, as in status=failed or name!=shop.")
	command.Flags().BoolVarP(&options.AllNamespaces, "all-namespaces", "A", false, "List the releases of all namespaces.")
	command.Flags().BoolVar(options.Output.NoHeaders, "no-headers", false, "Do not print the headers of the columns.")
	for _, flag := range phaseFlags() {
		command.Flags().Bool(flag.name, false, "Only list releases that are "+flag.name+". Of several such flags one must hold.")
	}
	options.Output.AddFlags(command)
	return command
}

func (o *ListOptions) complete(command *cobra.Command, selector string) (err error) {
	if err := o.Output.Check(command); err != nil {
		return err
	}
	for _, flag := range phaseFlags() {
		if set, err := command.Flags().GetBool(flag.name); err != nil {
			return err
		} else if set {
			o.Phases = append(o.Phases, flag.phases...)
		}
	}
	if o.Selector, err = labels.Parse(selector); err != nil {
		return inputError{fmt.Errorf("--selector %q: %w", selector, err)}
	}
	return nil
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
