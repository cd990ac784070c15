package plugin

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestDeployFlags(t *testing.T) {
	t.Parallel()
	t.Run("they become options", deployFlagsBecomeOptions)
	t.Run("what is refused", deployFlagsAreRefused)
}

// asked is what can be compared of DeployOptions.
type asked struct {
	Name, Path      string
	CreateNamespace bool
	Atomic          bool
	Description     string
	Values          pack.ValueSources
	Plan            plan.Options
}

func deployFlagsBecomeOptions(t *testing.T) {
	t.Parallel()
	made := plan.Options{Timeout: 5 * time.Minute, HistoryMax: 10}
	for title, test := range map[string]struct {
		args []string
		// want has besides what the arguments say.
		want asked
	}{
		"none": {want: asked{Plan: made}},
		"all that run a plan": {
			args: []string{"--timeout", "90s", "--wait", "--no-hooks", "--force-conflicts", "--history-max=3"},
			want: asked{Plan: plan.Options{Timeout: 90 * time.Second, Wait: true, SkipPhases: hook.Phases(), ForceConflicts: true, HistoryMax: 3}},
		},
		"--atomic waits": {args: []string{"--atomic"}, want: asked{Atomic: true, Plan: plan.Options{Timeout: made.Timeout, HistoryMax: made.HistoryMax, Wait: true}}},
		"a description, and objects made anew": {
			args: []string{"--description", "as ordered", "--recreate-immutable"},
			want: asked{Description: "as ordered", Plan: plan.Options{Timeout: made.Timeout, HistoryMax: made.HistoryMax, RecreateImmutable: true}},
		},
		"logs":        {args: []string{"--logs=all"}, want: asked{Plan: plan.Options{Timeout: made.Timeout, HistoryMax: made.HistoryMax, Logs: plan.AllLogs}}},
		"no limits":   {args: []string{"--timeout=0", "--history-max=0"}, want: asked{}},
		"a namespace": {args: []string{"--create-namespace"}, want: asked{Plan: made, CreateNamespace: true}},
		"phases to skip, as a list and again": {
			args: []string{"--skip-hooks", "pre-install, post-install", "--skip-hooks=test"},
			want: asked{Plan: plan.Options{
				Timeout: made.Timeout, HistoryMax: made.HistoryMax, SkipPhases: []hook.Phase{hook.PreInstall, hook.PostInstall, hook.Test},
			}},
		},
		"values, with commas of their own": {
			args: []string{"-f", "a,b.yaml", "--values", "-", "--set", "a=1,b=2", "--set=c=3", "--set-string", "d=4", "--set-json", `e={"f":[1,2]}`, "--set-file", "g=h"},
			want: asked{Plan: made, Values: pack.ValueSources{
				Files: []string{"a,b.yaml", "-"}, Set: []string{"a=1,b=2", "c=3"}, SetString: []string{"d=4"},
				SetJSON: []string{`e={"f":[1,2]}`}, SetFile: []string{"g=h"},
			}},
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			flags, command := parse(t, test.args...)
			got, err := flags.ToOptions(command, []string{"release/shop", "./pack"})
			if err != nil {
				t.Fatal(err)
			}
			test.want.Name, test.want.Path = "shop", "./pack"
			if test.want.Plan.Logs == "" {
				test.want.Plan.Logs = plan.LogsOfFailed
			}
			if diff := cmp.Diff(test.want, asked{got.Name, got.PackPath, got.CreateNamespace, got.Atomic, got.Description, got.Values.ValueSources, got.Plan}); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
			if got.Progress.form != progressAuto || got.Out != flags.Run.Out || got.Output.PrintFlags != flags.Run.Output.PrintFlags {
				t.Errorf("the options are not complete: %+v", got)
			}
		})
	}
}

// parse returns the flags of install and upgrade as a command line sets them.
func parse(t *testing.T, args ...string) (*DeployFlags, *cobra.Command) {
	t.Helper()
	flags, command := &DeployFlags{Run: RunFlags{IOStreams: genericiooptions.NewTestIOStreamsDiscard()}}, &cobra.Command{Use: "install"}
	flags.AddFlags(command)
	if err := command.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return flags, command
}

func deployFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		name string
		args []string
		want string
	}{
		"a history below none":  {args: []string{"--history-max=-1"}, want: "--history-max -1: must not be negative"},
		"a time before now":     {args: []string{"--timeout=-1s"}, want: "--timeout -1s: must not be negative"},
		"a phase that is none":  {args: []string{"--skip-hooks=pre-instal"}, want: `--skip-hooks: unknown phase "pre-instal"; valid phases: pre-install, post-install, pre-upgrade, post-upgrade, pre-rollback, post-rollback, pre-delete, post-delete, test; did you mean pre-install?`},
		"no phase":              {args: []string{"--skip-hooks=test,"}, want: `--skip-hooks: unknown phase ""; valid phases: pre-install, post-install, pre-upgrade, post-upgrade, pre-rollback, post-rollback, pre-delete, post-delete, test`},
		"a form of events":      {args: []string{"--events=yaml"}, want: `--progress "yaml": valid forms: auto, tty, plain, json, none`},
		"a name":                {name: "Shop", want: `release name "Shop": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`},
		"a template that fails": {args: []string{"-o", "jsonpath={"}, want: "error parsing jsonpath {, unclosed action\nSee 'install --help' for usage."},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			flags, command := parse(t, test.args...)
			name := "shop"
			if test.name != "" {
				name = test.name
			}
			_, err := flags.ToOptions(command, []string{name, "./pack"})
			if err == nil {
				t.Fatal("there is no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if got := exitCode(t.Context(), err); got != exitInput {
				t.Errorf("the exit code is %d", got)
			}
		})
	}
}

func TestDeployNotes(t *testing.T) {
	t.Parallel()
	t.Run("those of a dry run say so", notesOfADryRunSaySo)
}

func notesOfADryRunSaySo(t *testing.T) {
	t.Parallel()
	const notes = "shop is now available."
	for strategy, want := range map[cmdutil.DryRunStrategy]string{
		cmdutil.DryRunNone:   "release.sherpack.io/shop installed\n\n" + notes + "\n",
		cmdutil.DryRunClient: "release.sherpack.io/shop installed (dry run)\n\nNOTES (dry run):\n" + notes + "\n",
		cmdutil.DryRunServer: "release.sherpack.io/shop installed (server dry run)\n\nNOTES (dry run):\n" + notes + "\n",
	} {
		streams, _, out, _ := genericiooptions.NewTestIOStreams()
		options := DeployOptions{RunOptions: RunOptions{DryRun: strategy, IOStreams: streams}}
		options.Output.AddFlags(&cobra.Command{})
		made := release.New("shop", "web", 1)
		made.Content.Notes = "\n" + notes + "\n\n"
		done := &performed{plan: plan.Plan{Operation: release.OperationInstall, Release: made}, Result: plan.Result{Release: made}}
		if err := options.print(done); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
