package plugin

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// LogsFlags are the flags of logs.
type LogsFlags struct {
	Hook     string
	Revision int
	Follow   bool
}

// LogsOptions are what logs needs.
type LogsOptions struct {
	Name string
	// Hook is the title, or the name, of the only hook whose log is wanted; "" for all.
	Hook string
	// Revision is the one whose hooks they are; 0 for the newest.
	Revision int
	// Follow prints what the hook says that runs now, to its end.
	Follow bool
	Getter genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newLogsCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	var flags LogsFlags
	command := &cobra.Command{
		Use:   "logs NAME",
		Short: "Print the logs of the hooks of a release",
		Long: templates.LongDesc(`
			Print the recorded end of the logs of a release's hooks: up to 20 lines and 4 KiB each, even if the Pods are
			gone. With --follow, stream the log of the hook that is running now.`),
		Example: templates.Examples(`
			# Print the logs of the hooks that ran last
			kubectl sherpack logs myshop

			# Print the log of one hook of an earlier revision
			kubectl sherpack logs myshop --hook pre-upgrade/migrate --revision 3

			# Stream the log of the hook that an upgrade in another terminal is running
			kubectl sherpack logs myshop -f`),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.ToOptions(cmd, args)
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
func (f *LogsFlags) AddFlags(command *cobra.Command) {
	command.Flags().StringVar(&f.Hook, "hook", "", "Print the log of this hook only, such as pre-upgrade/migrate, or migrate for those of all phases.")
	command.Flags().IntVar(&f.Revision, "revision", f.Revision, "The revision whose logs to print. Zero means the newest.")
	command.Flags().BoolVarP(&f.Follow, "follow", "f", false, "Stream the log of the running hook.")
}

// ToOptions checks the flags and completes them.
func (f *LogsFlags) ToOptions(command *cobra.Command, args []string) (*LogsOptions, error) {
	name, err := releaseName(args[0])
	if err != nil {
		return nil, err
	}
	if err := notNegative("--revision", f.Revision); err != nil {
		return nil, err
	}
	if f.Follow && (f.Revision != 0 || f.Hook != "") {
		return nil, &UsageError{command.CommandPath(), fmt.Errorf("--follow streams the log of the running hook; it cannot be used with --hook or --revision")}
	}
	return &LogsOptions{Name: name, Hook: f.Hook, Revision: f.Revision, Follow: f.Follow}, nil
}

// Run prints the logs.
func (o *LogsOptions) Run(ctx context.Context) error {
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return err
	}
	defer at.Close()
	found, history, err := at.Current(ctx, o.Name, o.Revision)
	if err != nil {
		return err
	}
	if found.Spec.Revision == history.Newest().Spec.Revision {
		if err := at.addTests(ctx, found, history.Deployed()); err != nil {
			return err
		}
	}
	if o.Follow {
		return o.follow(ctx, at, found)
	}
	hooks := found.Status.Hooks
	if o.Hook != "" {
		hooks = slices.DeleteFunc(slices.Clone(hooks), func(h release.Hook) bool { return h.Title != o.Hook && !strings.HasSuffix(h.Title, "/"+o.Hook) })
		if len(hooks) == 0 {
			return fmt.Errorf("release %q revision %d: hook %q: %w; %s",
				o.Name, found.Spec.Revision, o.Hook, storage.ErrNotFound, titlesOf(found.Status.Hooks))
		}
	}
	return o.print(hooks)
}

// titlesOf names the hooks of a revision.
func titlesOf(hooks []release.Hook) string {
	if len(hooks) == 0 {
		return "it has no hooks"
	}
	titles := make([]string, len(hooks))
	for i, h := range hooks {
		titles[i] = h.Title
	}
	return "its hooks: " + strings.Join(titles, ", ")
}

// print prints what was recorded of the logs of hooks. Lines of several hooks say whose they are.
func (o *LogsOptions) print(hooks []release.Hook) error {
	printed := 0
	for _, h := range hooks {
		if h.LogTail == "" {
			continue
		}
		printed++
		prefix := progress.LogPrefix(h.Title, "") + " "
		if len(hooks) == 1 && o.Hook != "" {
			prefix = ""
		}
		for line := range strings.SplitSeq(strings.TrimRight(h.LogTail, "\n"), "\n") {
			if _, err := io.WriteString(o.Out, printers.Line(prefix+line)+"\n"); err != nil {
				return err
			}
		}
	}
	if printed == 0 {
		_, _ = fmt.Fprintf(o.ErrOut, "no log is recorded\n")
	}
	return nil
}

// follow prints what the hook says that runs now.
func (o *LogsOptions) follow(ctx context.Context, at *connection, found *release.Release) error {
	i := slices.IndexFunc(found.Status.Hooks, func(h release.Hook) bool { return h.State == release.HookRunning })
	if i < 0 {
		_, _ = fmt.Fprintf(o.ErrOut, "no hook of release %s runs now\n", o.Name)
		return nil
	}
	record := found.Status.Hooks[i]
	content, err := at.cluster.Lookup(ctx, record.APIVersion, record.Kind, record.Namespace, record.Name)
	if err != nil {
		return err
	}
	if len(content) == 0 {
		return fmt.Errorf("hook %s: %s/%s: %w; it may be about to start; run the command again", record.Title, record.Kind, record.Name, storage.ErrNotFound)
	}
	run := kube.HookRun{Object: &unstructured.Unstructured{Object: content}, Logs: func(line kube.LogLine) {
		_, _ = io.WriteString(o.Out, printers.Line(progress.LogPrefix(record.Title, line.Label())+" "+line.Text)+"\n")
	}}
	if record.Kind == "Job" {
		run.PodSelector = "batch.kubernetes.io/job-name=" + record.Name
	}
	outcome, err := at.cluster.FollowHook(ctx, run, nil)
	if err == nil && !outcome.Succeeded {
		_, _ = fmt.Fprintf(o.ErrOut, "hook %s failed: %s\n", record.Title, outcome.Message)
	}
	return err
}
