package plugin

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// UninstallOptions are what an uninstallation needs.
type UninstallOptions struct {
	Name    string
	Timeout time.Duration
	Observe func(lifecycle.Event)
	Getter  genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newUninstallCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	options := UninstallOptions{Timeout: defaultTimeout, Getter: getter, IOStreams: streams}
	events := eventsText
	command := &cobra.Command{
		Use:     "uninstall NAME",
		Aliases: []string{"delete"},
		Short:   "Remove a release and everything it made",
		Long: templates.LongDesc(`
			Remove everything that a release made, and then its record. Hooks for the removal are not run yet. What belongs to somebody else is left alone. Custom
			resource definitions and Namespaces of a pack stay, because others may use them.`),
		Example: templates.Examples(`
			# Remove a release
			kubectl sherpack uninstall myshop`),
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := checkTimeout(options.Timeout)
			if err != nil {
				return err
			}
			if options.Name, err = releaseName(args[0]); err != nil {
				return err
			}
			if options.Observe, err = observer(events, streams.ErrOut); err != nil {
				return err
			}
			return options.Run(cmd.Context())
		},
	}
	command.Flags().DurationVar(&options.Timeout, "timeout", options.Timeout, "How long the work may take in all. Zero means no limit.")
	command.Flags().StringVar(&events, "events", events, "How to show what happens, on the error stream: text, json (one line each) or none.")
	return command
}

// Run removes the release.
func (o *UninstallOptions) Run(ctx context.Context) error {
	ctx, cancel := lifecycle.WithTimeout(ctx, o.Timeout)
	defer cancel()
	return lifecycle.Because(ctx, o.run(ctx))
}

func (o *UninstallOptions) run(ctx context.Context) error {
	target, err := connect(o.Getter)
	if err != nil {
		return err
	}
	defer target.cluster.Close()
	newest, _, err := target.newest(ctx, o.Name)
	if err != nil {
		return err
	}
	if err := o.warnOfHooks(newest); err != nil {
		return err
	}
	plan := lifecycle.NewRemoval(newest, lifecycle.Options{Timeout: o.Timeout})
	runner := lifecycle.Runner{Cluster: target.cluster, Store: target.store, Observe: o.Observe, Now: time.Now}
	if err := runner.Run(ctx, plan); err != nil {
		return fmt.Errorf("uninstall %s: %w", o.Name, err)
	}
	return printDone(newest, "uninstalled", o.Out)
}

// warnOfHooks says that the release has hooks for its removal: they are not run yet.
func (o *UninstallOptions) warnOfHooks(r *release.Release) error {
	nodes, err := manifest.DecodeStream([]byte(r.Content.Manifest))
	if err != nil {
		return fmt.Errorf("reading the manifest of release %s/%s: %w", r.Namespace, r.Name, err)
	}
	hooks, _, err := hook.Split(nodes)
	if err != nil {
		return fmt.Errorf("reading the manifest of release %s/%s: %w", r.Namespace, r.Name, err)
	}
	for _, h := range hooks {
		if h.In(hook.PreDelete) || h.In(hook.PostDelete) {
			_, _ = fmt.Fprintf(o.ErrOut, "warning: the hook %s/%s is not run: uninstall does not run hooks\n", h.Node.GetKind(), h.Node.GetName())
		}
	}
	return nil
}
