package plugin

import (
	"context"
	"errors"
	"fmt"
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
	Selector      labels.Selector
	Output        outputFlags
	Getter        genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newListCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	selector := ""
	options := ListOptions{Output: newOutputFlags(), Getter: getter, IOStreams: streams}
	command := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List releases",
		Long:    templates.LongDesc(`List the releases of a namespace, each with its newest revision.`),
		Example: templates.Examples(`
			# List the releases of the current namespace
			kubectl sherpack list

			# List the releases of all namespaces
			kubectl sherpack list -A`),
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := options.Output.check(cmd); err != nil {
				return err
			}
			var err error
			if options.Selector, err = labels.Parse(selector); err != nil {
				return inputError{fmt.Errorf("--selector %q: %w", selector, err)}
			}
			return options.Run(cmd.Context())
		},
	}
	command.Flags().StringVarP(&selector, "selector", "l", selector, "Only list releases with these labels, as in status=failed or name!=shop.")
	command.Flags().BoolVarP(&options.AllNamespaces, "all-namespaces", "A", false, "List the releases of all namespaces.")
	command.Flags().BoolVar(options.Output.NoHeaders, "no-headers", false, "Do not print the headers of the columns.")
	options.Output.addFlags(command)
	return command
}

// Run prints the releases.
func (o *ListOptions) Run(ctx context.Context) error {
	target, err := connect(o.Getter)
	if err != nil {
		return err
	}
	defer target.cluster.Close()
	namespace := target.namespace
	if o.AllNamespaces {
		namespace = metav1.NamespaceAll
	}
	revisions, err := target.store.List(ctx, namespace, o.Selector)
	if errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrNewerFormat) {
		_, _ = fmt.Fprintln(o.ErrOut, "warning: "+printers.Clean(err.Error()))
		err = nil
	}
	if err != nil {
		return err
	}
	releases := newestOfEach(revisions)
	if o.Output.machine() {
		list, err := printers.List(releases)
		if err != nil {
			return err
		}
		return o.Output.print(list, o.Out)
	}
	if len(releases) == 0 {
		return o.printNone(namespace)
	}
	if o.AllNamespaces {
		if err := o.Output.EnsureWithNamespace(); err != nil {
			return err
		}
	}
	return o.Output.print(printers.Table(releases, time.Now()), o.Out)
}

// newestOfEach keeps the newest revision of each release; revisions are sorted by release and number.
func newestOfEach(revisions release.History) release.History {
	var newest release.History
	for _, revision := range revisions {
		last := newest.Newest()
		if last != nil && last.Name == revision.Name && last.Namespace == revision.Namespace {
			newest[len(newest)-1] = revision
			continue
		}
		newest = append(newest, revision)
	}
	return newest
}

func (o *ListOptions) printNone(namespace string) error {
	text := fmt.Sprintf("No releases found in %s namespace.\n", namespace)
	if o.AllNamespaces {
		text = "No releases found.\n"
	}
	_, err := fmt.Fprint(o.ErrOut, text)
	return err
}
