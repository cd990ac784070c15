package plugin_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

// run runs the command line with an empty standard input.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return runWith(t, "", args...)
}

// runWith runs the command line with that standard input.
func runWith(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(stdin), Out: &out, ErrOut: &errs}
	code = plugin.Main(t.Context(), args, streams, plugin.Build{Version: "v0.0.0-test"})
	return out.String(), errs.String(), code
}

func TestHelp(t *testing.T) {
	t.Parallel()
	t.Run("the help of all, and of a command", helpOfAllAndOfACommand)
	t.Run("it is the same however it is asked for", helpIsTheSame)
	t.Run("it speaks of kubectl sherpack", helpSpeaksOfKubectlSherpack)
	t.Run("its paragraphs begin with a word", helpHasNoStraySpaces)
	t.Run("what is common to all commands is under options", helpOfOptions)
	t.Run("that of test does not speak of deletions", helpOfTestDoesNotSpeakOfDeletions)
}

func helpOfAllAndOfACommand(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"help": {"--help"}, "help-install": {"install", "--help"}, "help-status": {"status", "--help"},
	} {
		stdout, stderr, code := run(t, args...)
		if code != 0 || stderr != "" {
			t.Errorf("%s: exit code %d: %s", name, code, stderr)
		}
		golden.Compare(t, name+".txt", stdout)
	}
}

func helpIsTheSame(t *testing.T) {
	t.Parallel()
	for title, ways := range map[string][][]string{
		"all":     {{"--help"}, {"-h"}, {"help"}, {}},
		"install": {{"install", "--help"}, {"install", "-h"}, {"help", "install"}, {"install", "a", "b", "--help"}},
		"delete":  {{"uninstall", "--help"}, {"delete", "--help"}, {"help", "delete"}},
	} {
		want, _, _ := run(t, ways[0]...)
		for _, args := range ways[1:] {
			got, stderr, code := run(t, args...)
			if code != 0 || stderr != "" {
				t.Errorf("%s, %v: exit code %d: %s", title, args, code, stderr)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %v (-want +got):\n%s", title, args, diff)
			}
		}
	}
}

func helpSpeaksOfKubectlSherpack(t *testing.T) {
	t.Parallel()
	for _, command := range commands(t) {
		path := strings.Fields(strings.TrimPrefix(command.CommandPath(), "kubectl sherpack"))
		stdout, _, code := run(t, append(path, "--help")...)
		if code != 0 || !strings.Contains(stdout, "\nUsage:\n  kubectl sherpack") {
			t.Errorf("%s: exit code %d, and help has no usage line:\n%s", command.CommandPath(), code, stdout)
		}
		// There the name of the file is what it is about.
		if strings.Contains(stdout, "kubectl-sherpack") && command.Name() != "completion" {
			t.Errorf("%s: help speaks of kubectl-sherpack:\n%s", command.CommandPath(), stdout)
		}
		if command.Short == "" || strings.HasSuffix(command.Short, ".") {
			t.Errorf("%s: short description %q", command.CommandPath(), command.Short)
		}
	}
}

// A paragraph that begins with a space looks like a mistake.
func helpHasNoStraySpaces(t *testing.T) {
	t.Parallel()
	for _, command := range commands(t) {
		if strings.Contains(command.Long, "\n ") || strings.HasPrefix(command.Long, " ") {
			t.Errorf("%s: %q", command.CommandPath(), command.Long)
		}
	}
}

// The flags of the templates of -o are named once, and work with every command.
func helpOfOptions(t *testing.T) {
	t.Parallel()
	all, _, _ := run(t, "options")
	one, _, _ := run(t, "status", "--help")
	for _, flag := range []string{"--template=", "--allow-missing-template-keys="} {
		if !strings.Contains(all, flag) || strings.Contains(one, flag) {
			t.Errorf("%s is in options: %t, in the help of status: %t", flag, strings.Contains(all, flag), strings.Contains(one, flag))
		}
	}
	if !strings.Contains(all, "--kubeconfig=") {
		t.Errorf("options are %s", all)
	}
	_, stderr, code := run(t, "status", "A", "-o", "go-template", "--template", "{{.metadata.name}}")
	if code != 2 || !strings.HasPrefix(stderr, "error: release name") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// commands are all commands of ours below the root, and the root.
func commands(t *testing.T) []*cobra.Command {
	t.Helper()
	root := plugin.NewCommand(genericiooptions.NewTestIOStreamsDiscard(), plugin.Build{})
	all := []*cobra.Command{root}
	for i := 0; i < len(all); i++ {
		all = append(all, all[i].Commands()...)
	}
	// The list of global options has a form of its own.
	return slices.DeleteFunc(all, func(command *cobra.Command) bool { return command.Hidden })
}

// A flag says of a verb what the verb does.
func helpOfTestDoesNotSpeakOfDeletions(t *testing.T) {
	t.Parallel()
	for verb, want := range map[string]bool{"test": false, "upgrade": true} {
		stdout, _, _ := run(t, verb, "--help")
		if !strings.Contains(stdout, "Do not ask before") || strings.Contains(stdout, "deleting custom resource definitions") != want {
			t.Errorf("%s says:\n%s", verb, stdout)
		}
	}
}

func TestExamples(t *testing.T) {
	t.Parallel()
	t.Run("they are command lines", examplesAreCommandLines)
}

func examplesAreCommandLines(t *testing.T) {
	t.Parallel()
	for _, command := range commands(t) {
		if command.Runnable() && command.HasParent() && command.Example == "" {
			t.Errorf("%s has no example", command.CommandPath())
		}
		for line := range strings.Lines(command.Example) {
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "#") {
				checkExample(t, command, line)
			}
		}
	}
}

// checkExample checks that a line runs the command, with flags and arguments that it has.
func checkExample(t *testing.T, command *cobra.Command, line string) {
	t.Helper()
	rest, ok := strings.CutPrefix(line, "kubectl sherpack ")
	if !ok {
		t.Errorf("%s: example %q does not run kubectl sherpack", command.CommandPath(), line)
		return
	}
	found, args, err := command.Root().Find(strings.Fields(rest))
	if err != nil || found != command {
		t.Errorf("%s: example %q runs another command: %v", command.CommandPath(), line, err)
		return
	}
	if err := command.ParseFlags(args); err != nil {
		t.Errorf("%s: example %q: %v", command.CommandPath(), line, err)
	}
	if err := command.ValidateArgs(command.Flags().Args()); err != nil {
		t.Errorf("%s: example %q: %v", command.CommandPath(), line, err)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	t.Run("what is refused", commandLinesThatAreRefused)
	t.Run("a request timeout that is no time is invalid input", aRequestTimeoutThatIsNoTimeIsInvalidInput)
}

func commandLinesThatAreRefused(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		args []string
		code int
		// want is how what is printed on the error stream begins.
		want string
	}{
		"an unknown command":        {args: []string{"instal"}, code: 2, want: "error: unknown command \"instal\" for \"kubectl sherpack\"; did you mean install?\n"},
		"a command like no other":   {args: []string{"frobnicate"}, code: 2, want: "error: unknown command \"frobnicate\" for \"kubectl sherpack\"\n"},
		"a flag that is nearly one": {args: []string{"upgrade", "--atomci", "a", "b"}, code: 2, want: "error: unknown flag: --atomci; did you mean --atomic?\n"},
		"an unknown flag":           {args: []string{"install", "a", "b", "--no-such-flag"}, code: 2, want: "error: unknown flag: --no-such-flag\nSee 'kubectl sherpack install --help' for usage.\n"},
		"an unknown flag at first":  {args: []string{"--no-such-flag"}, code: 2, want: "error: unknown flag: --no-such-flag\nSee 'kubectl sherpack --help' for usage.\n"},
		"too few arguments":         {args: []string{"install", "a"}, code: 2, want: "error: install needs NAME and PACK; PACK is missing\nSee 'kubectl sherpack install --help' for usage.\n"},
		"too many arguments":        {args: []string{"status", "a", "b"}, code: 2, want: "error: status takes only NAME; unexpected argument \"b\"\n"},
		"no argument":               {args: []string{"uninstall"}, code: 2, want: "error: uninstall needs NAME\n"},
		"no release to adopt":       {args: []string{"adopt", "--from-helm"}, code: 2, want: "error: adopt needs NAME, or --all\n"},
		"adopt from nobody":         {args: []string{"adopt", "a"}, code: 2, want: "error: releases are taken over from Helm: add --from-helm\n"},
		"adopt a name and all":      {args: []string{"adopt", "a", "--all", "--from-helm"}, code: 2, want: "error: --all is about all releases of the namespace: omit NAME\n"},
		"hand over to nobody":       {args: []string{"handover", "a"}, code: 2, want: "error: releases are given to Helm: add --to-helm\n"},
		"no argument of two":        {args: []string{"template"}, code: 2, want: "error: template needs NAME and PACK\n"},
		"too many of two":           {args: []string{"rollback", "a", "1", "2"}, code: 2, want: "error: rollback takes only NAME [REVISION]; unexpected argument \"2\"\n"},
		"no shell":                  {args: []string{"completion"}, code: 2, want: "error: completion needs SHELL\n"},
		"an unknown part":           {args: []string{"get", "valuse"}, code: 2, want: "error: unknown command \"valuse\" for \"kubectl sherpack get\"\n"},
		"an argument to list":       {args: []string{"list", "a"}, code: 2, want: "error: list takes no arguments; unexpected argument \"a\"\n"},
		"an argument to version":    {args: []string{"version", "a"}, code: 2, want: "error: version takes no arguments; unexpected argument \"a\"\n"},
		"a duration without unit":   {args: []string{"install", "a", "b", "--timeout", "5"}, code: 2, want: "error: invalid argument \"5\" for \"--timeout\" flag"},
		"an output of status":       {args: []string{"status", "a", "-o", "xml"}, code: 2, want: "error: unable to match a printer suitable for the output format \"xml\""},
		"nearly one of status' own": {args: []string{"status", "a", "-o", "htm"}, code: 2, want: "error: unable to match a printer suitable for the output format \"htm\", allowed formats are: custom-columns,custom-columns-file,go-template,go-template-file,html,json"},
		"an output of list":         {args: []string{"list", "-o", "xml"}, code: 2, want: "error: unable to match a printer"},
		"an output of version":      {args: []string{"version", "-o", "xml"}, code: 2, want: "error: --output \"xml\": must be 'yaml' or 'json'\nSee 'kubectl sherpack version --help' for usage.\n"},
		"a name":                    {args: []string{"status", "A"}, code: 2, want: "error: release name \"A\": "},
		"a name to remove":          {args: []string{"uninstall", "job/a"}, code: 2, want: "error: release name \"job/a\": "},
		"events of uninstall":       {args: []string{"uninstall", "a", "--events", "xml"}, code: 2, want: "error: --progress \"xml\": valid forms: auto, tty, plain, json, none\n"},
		"a version of Kubernetes":   {args: []string{"template", "a", "b", "--kube-version", "new"}, code: 4, want: "error: b: "},
		"no such pack":              {args: []string{"install", "a", "no/such/pack"}, code: 4, want: "error: no/such/pack: read pack: no such file or directory; a pack is a folder, or a .tgz archive of one\n"},
		"no server":                 {args: []string{"status", "a", "--server", "http://127.0.0.1:1"}, code: 5, want: "error: reading the history of release default/a: "},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, append(test.args, "--kubeconfig", os.DevNull)...)
			if code != test.code || stdout != "" || !strings.HasPrefix(stderr, test.want) {
				t.Errorf("exit code %d, want %d; it prints %q and %q, want %q", code, test.code, stdout, stderr, test.want)
			}
		})
	}
}

// What cannot be a time is a mistake in the command line, of every verb, and not the cluster's fault.
func aRequestTimeoutThatIsNoTimeIsInvalidInput(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"list"}, {"status", "a"}, {"uninstall", "a"}, {"template", "shop", "../../examples/shop"}} {
		for _, value := range []string{"bogus", "-5", "-5s", "5 s"} {
			_, stderr, code := run(t, append(args, "--kubeconfig", os.DevNull, "--request-timeout", value)...)
			if code != 2 || !strings.Contains(stderr, "--request-timeout") {
				t.Errorf("%v %q: exit code %d: %s", args, value, code, stderr)
			}
		}
	}
	for _, value := range []string{"", "0", "5", "1m30s"} {
		if _, stderr, code := run(t, "template", "shop", "../../examples/shop", "--kubeconfig", os.DevNull, "--request-timeout", value); code != 0 {
			t.Errorf("%q: exit code %d: %s", value, code, stderr)
		}
	}
}
