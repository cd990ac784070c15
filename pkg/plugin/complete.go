package plugin

import (
	"context"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/completion"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// completionTime is how long the cluster may take for a completion. Nobody waits longer after a press of Tab.
const completionTime = 3 * time.Second

// Arguments returns the arguments of the command line out of those of the process, its name included. Under the name that
// kubectl runs to complete the arguments of the plugin, they are those to complete.
func Arguments(process []string) []string {
	if len(process) == 0 {
		return nil
	}
	name := filepath.Base(process[0])
	if strings.TrimSuffix(name, executableExtension(name)) == completionName {
		return append([]string{cobra.ShellCompRequestCmd}, process[1:]...)
	}
	return process[1:]
}

// completer finds out what arguments and the values of flags can be. Its errors are told to nobody: a shell shows nothing then.
type completer struct {
	getter genericclioptions.RESTClientGetter
}

// AddTo gives completions to a command and those below it: to arguments by their names in the usage, to flags by theirs. Where
// there are none, no files are offered instead.
func (c completer) AddTo(command *cobra.Command) {
	command.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	c.addArguments(command)
	flags := c.flags()
	add := func(flag *pflag.Flag) {
		if complete := flags[flag.Name]; complete != nil {
			// The error says that the command has its own.
			_ = command.RegisterFlagCompletionFunc(flag.Name, complete)
		}
	}
	command.Flags().VisitAll(add)
	command.PersistentFlags().VisitAll(add)
	for _, below := range command.Commands() {
		c.AddTo(below)
	}
}

func (c completer) addArguments(command *cobra.Command) {
	known := map[string]cobra.CompletionFunc{
		"NAME": c.asking(releaseNames, cobra.ShellCompDirectiveNoFileComp), "PACK": completePacks, "CHART": completePacks, "PATH": completeValues,
		"DIR":      cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		"REVISION": c.asking(revisionNumbers, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder),
	}
	if name := command.Name(); name == "install" || name == "template" {
		// The release is a new one.
		delete(known, "NAME")
	}
	var arguments []cobra.CompletionFunc
	for _, word := range strings.Fields(command.Use)[1:] {
		arguments = append(arguments, known[strings.Trim(word, "[].")])
	}
	several := strings.HasSuffix(command.Use, "...")
	if !slices.ContainsFunc(arguments, func(f cobra.CompletionFunc) bool { return f != nil }) {
		return
	}
	command.ValidArgsFunction = func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		at := len(args)
		if several {
			at = min(at, len(arguments)-1)
		}
		if at >= len(arguments) || arguments[at] == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return arguments[at](cmd, args, toComplete)
	}
}

func (c completer) flags() map[string]cobra.CompletionFunc {
	words := func(words ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	}
	files := cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
	return map[string]cobra.CompletionFunc{
		"namespace":   c.asking(c.namespaces, cobra.ShellCompDirectiveNoFileComp),
		"context":     c.fromConfig(func(config clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(config.Contexts)) }),
		"cluster":     c.fromConfig(func(config clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(config.Clusters)) }),
		"user":        c.fromConfig(func(config clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(config.AuthInfos)) }),
		"revision":    c.asking(revisionNumbers, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder),
		"to":          c.asking(revisionNumbers, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder),
		"filter":      c.asking(testFilters, cobra.ShellCompDirectiveNoFileComp),
		"skip-hooks":  completePhases,
		"cascade":     words("background", "foreground", "orphan"),
		dryRunFlag:    words("none", "server", "client"),
		eventsFlag:    words("text", progressJSON, progressNone),
		progressFlag:  words(progressAuto, progressTTY, progressPlain, progressJSON, progressNone),
		"ci":          words(ciAuto, string(progress.GitHub), string(progress.GitLab), string(progress.NoCI)),
		"logs":        words("failed", "all", "none"),
		colorFlag:     words("auto", "always", "never"),
		"values":      cobra.FixedCompletions([]cobra.Completion{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt),
		"cache-dir":   cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		"dir":         cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		"destination": cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		"output-dir":  cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		"show-only":   completeTemplates,
		explainFlag:   completeValues,
		"hook":        c.asking(hookTitles, cobra.ShellCompDirectiveNoFileComp),
		"kubeconfig":  files,
		kubercFlag:    files,
		"template":    files,
		"client-key":  files,

		"client-certificate":    files,
		"certificate-authority": files,
	}
}

// asking returns a completion that asks the cluster, for a short time.
func (c completer) asking(find func(ctx context.Context, at *connection, args []string, toComplete string) ([]cobra.Completion, error), directive cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		completions, err := promptly(ctx, func() ([]cobra.Completion, error) {
			// What was prepared before the flags were read is prepared again now that they are.
			if err := cmd.Root().PersistentPreRunE(cmd, args); err != nil {
				return nil, err
			}
			at, err := connect(c.getter, genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard})
			if err != nil {
				return nil, err
			}
			defer at.Close()
			return find(ctx, at, args, toComplete)
		})
		if err != nil {
			cobra.CompDebugln(err.Error(), false)
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return beginningWith(toComplete, completions), directive
	}
}

func beginningWith(beginning string, completions []cobra.Completion) []cobra.Completion {
	return slices.DeleteFunc(completions, func(completion string) bool { return !strings.HasPrefix(completion, beginning) })
}

// releaseNames are the releases of the namespace, in the form that was begun: NAME, or release/NAME.
func releaseNames(ctx context.Context, at *connection, _ []string, toComplete string) ([]cobra.Completion, error) {
	prefix := toComplete[:strings.Index(toComplete, "/")+1]
	if _, err := releaseName(prefix + "a"); err != nil {
		return nil, err
	}
	releases, err := at.store.List(ctx, at.namespace, nil)
	var completions []cobra.Completion
	for _, r := range releases {
		completions = append(completions, cobra.CompletionWithDesc(prefix+r.Name, printers.Summary(r, time.Now())))
	}
	if len(completions) > 0 {
		// Others could not be read.
		err = nil
	}
	return completions, err
}

// historyOfNamed is the history of the release that is named first among some arguments; none where none is named.
func historyOfNamed(ctx context.Context, at *connection, args []string) (release.History, error) {
	if len(args) == 0 {
		return nil, nil
	}
	name, err := releaseName(args[0])
	if err != nil {
		return nil, err
	}
	return at.store.History(ctx, at.namespace, name)
}

// revisionNumbers are the revisions of the release that is named before, the newest first.
func revisionNumbers(ctx context.Context, at *connection, args []string, _ string) ([]cobra.Completion, error) {
	history, err := historyOfNamed(ctx, at, args)
	if err != nil {
		return nil, err
	}
	var completions []cobra.Completion
	for _, r := range slices.Backward(history.Readable()) {
		completions = append(completions, cobra.CompletionWithDesc(strconv.Itoa(r.Spec.Revision), printers.Summary(r, time.Now())))
	}
	return completions, nil
}

// hookTitles are those of the hooks whose ends the newest revision of the release records that is named before.
func hookTitles(ctx context.Context, at *connection, args []string, _ string) ([]cobra.Completion, error) {
	history, err := historyOfNamed(ctx, at, args)
	if err != nil || history.Newest() == nil {
		return nil, err
	}
	var completions []cobra.Completion
	for _, record := range history.Newest().Status.Hooks {
		completions = append(completions, cobra.CompletionWithDesc(printers.Line(record.Title), printers.Line(string(record.State))))
	}
	return completions, nil
}

// testFilters choose each of the tests of the release that is named before. A filter that leaves tests out begins with an
// exclamation mark, and filters before a comma stay.
func testFilters(ctx context.Context, at *connection, args []string, toComplete string) ([]cobra.Completion, error) {
	history, err := historyOfNamed(ctx, at, args)
	if err != nil || history.Deployed() == nil {
		return nil, err
	}
	request := plan.Request{History: history}
	if request.Release, err = at.Salvage(ctx, history.Deployed()); err != nil {
		return nil, err
	}
	if err := at.Planning(&warnings{}).CompleteRequest(&request); err != nil {
		return nil, err
	}
	tests, err := plan.TestNames(request)
	if err != nil {
		return nil, err
	}
	prefix := toComplete[:strings.LastIndex(toComplete, ",")+1]
	form := "name="
	if strings.HasPrefix(toComplete[len(prefix):], "!") {
		form = "!name="
	}
	var completions []cobra.Completion
	for _, test := range tests {
		completions = append(completions, prefix+form+printers.Clean(test))
	}
	return completions, nil
}

// namespaces are those of the cluster, where they may be listed.
func (c completer) namespaces(_ context.Context, _ *connection, _ []string, toComplete string) ([]cobra.Completion, error) {
	return completion.CompGetResource(cmdutil.NewFactory(c.getter), "namespace", toComplete), nil
}

// fromConfig returns a completion out of the kubeconfig. kubectl's own keeps the configuration in a variable of its package,
// where commands here share nothing.
func (c completer) fromConfig(names func(clientcmdapi.Config) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		config, err := c.getter.ToRawKubeConfigLoader().RawConfig()
		if err != nil {
			cobra.CompDebugln(err.Error(), false)
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return beginningWith(toComplete, names(config)), cobra.ShellCompDirectiveNoFileComp
	}
}

// completePhases completes the last of some phases, which are separated by commas, with those that are not among them.
func completePhases(_ *cobra.Command, _ []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	prefix := toComplete[:strings.LastIndex(toComplete, ",")+1]
	given := strings.Split(prefix, ",")
	var completions []cobra.Completion
	for _, phase := range hook.Phases() {
		if !slices.Contains(given, string(phase)) {
			completions = append(completions, prefix+string(phase))
		}
	}
	return beginningWith(toComplete, completions), cobra.ShellCompDirectiveNoFileComp
}
