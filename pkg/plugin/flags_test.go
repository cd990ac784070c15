package plugin

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// parse returns the flags of install and upgrade as a command line sets them.
func parse(t *testing.T, args ...string) (*DeployFlags, *cobra.Command) {
	t.Helper()
	flags, command := newDeployFlags(nil, genericiooptions.NewTestIOStreamsDiscard()), &cobra.Command{Use: "install"}
	flags.AddFlags(command)
	if err := command.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return flags, command
}

func TestDeployFlagsBecomeOptions(t *testing.T) {
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
			if diff := cmp.Diff(test.want, asked{got.Name, got.PackPath, got.CreateNamespace, got.Atomic, got.Description, got.Values, got.Plan}); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
			if got.Observe == nil || got.Out != flags.Run.Out || got.Output != flags.Run.Output {
				t.Errorf("the options are not complete: %+v", got)
			}
		})
	}
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

func TestDeployFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		name string
		args []string
		want string
	}{
		"a history below none":  {args: []string{"--history-max=-1"}, want: "--history-max -1: must not be negative"},
		"a time before now":     {args: []string{"--timeout=-1s"}, want: "--timeout -1s: must not be negative"},
		"a phase that is none":  {args: []string{"--skip-hooks=pre-instal"}, want: `--skip-hooks: unknown phase "pre-instal"; valid phases: pre-install, post-install, pre-upgrade, post-upgrade, pre-rollback, post-rollback, pre-delete, post-delete, test`},
		"no phase":              {args: []string{"--skip-hooks=test,"}, want: `--skip-hooks: unknown phase ""; valid phases: pre-install, post-install, pre-upgrade, post-upgrade, pre-rollback, post-rollback, pre-delete, post-delete, test`},
		"a form of events":      {args: []string{"--events=yaml"}, want: `--events "yaml": valid forms: text, json, none`},
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

func TestEventsAreShownInTheFormAskedFor(t *testing.T) {
	t.Parallel()
	event := lifecycle.Event{Type: lifecycle.Warning, Outcome: lifecycle.Outcome{Message: "careful"}}
	for form, want := range map[string]string{
		"text": "warning: careful\n",
		"json": `{"time":"0001-01-01T00:00:00Z","seq":1,"type":"warning","message":"careful"}` + "\n",
	} {
		var out bytes.Buffer
		observe, err := eventFlags{form}.ToObserver(&cobra.Command{}, &out)
		if err != nil {
			t.Fatal(err)
		}
		observe(event)
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", form, diff)
		}
	}
	if observe, err := (eventFlags{"none"}).ToObserver(&cobra.Command{}, &bytes.Buffer{}); observe != nil || err != nil {
		t.Errorf("none gives an observer: %v, error %v", observe != nil, err)
	}
}

func TestOutputForMachines(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]bool{"": false, "wide": false, "yaml": true, "json": true, "name": true, "jsonpath={.a}": true} {
		flags, _ := parse(t, "-o", form)
		if got := flags.Run.Output.ForMachines(); got != want {
			t.Errorf("-o %q is for machines: %v, want %v", form, got, want)
		}
	}
}

func TestClientsAreNotThrottled(t *testing.T) {
	t.Parallel()
	flags := configFlags(genericiooptions.NewTestIOStreamsDiscard())
	server := "https://192.0.2.1"
	flags.APIServer, flags.BearerToken, flags.KubeConfig = &server, ptr.To("token"), ptr.To(os.DevNull)
	config, err := flags.ToRESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	if config.QPS != -1 || config.WarningHandler == nil || config.Host != server {
		t.Errorf("the configuration is %v", config)
	}
}

func TestValuesOfTheDeployedRevision(t *testing.T) {
	t.Parallel()
	deployed := release.Content{
		Values: map[string]any{"given": "before", "both": "before"},
		Merged: map[string]any{"given": "before", "both": "before", "default": "old"},
	}
	for title, test := range map[string]struct {
		flags []string
		given map[string]any
		// needs says whether the deployed revision counts; want is what is rendered, and stored what was given.
		needs        bool
		want, stored map[string]any
	}{
		"nothing given keeps what was given": {
			needs: true, want: map[string]any{"given": "before", "both": "before", "default": "new"}, stored: deployed.Values,
		},
		"something given drops what was given": {
			given: map[string]any{"both": "now"}, want: map[string]any{"both": "now", "default": "new"}, stored: map[string]any{"both": "now"},
		},
		"--reset-values": {flags: []string{"--reset-values"}, want: map[string]any{"default": "new"}, stored: map[string]any{}},
		"--reuse-values": {
			flags: []string{"--reuse-values"}, given: map[string]any{"both": "now"}, needs: true,
			want: map[string]any{"given": "before", "both": "now", "default": "old"}, stored: map[string]any{"given": "before", "both": "now"},
		},
		"--reset-then-reuse-values": {
			flags: []string{"--reset-then-reuse-values"}, given: map[string]any{"both": "now"}, needs: true,
			want: map[string]any{"given": "before", "both": "now", "default": "new"}, stored: map[string]any{"given": "before", "both": "now"},
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var reuse reuseFlags
			command := &cobra.Command{Use: "upgrade"}
			reuse.AddFlags(command.Flags())
			if err := command.ParseFlags(test.flags); err != nil {
				t.Fatal(err)
			}
			source := &input{pack: &pack.Pack{Values: map[string]any{"default": "new"}}, given: pack.Copy(test.given)}
			if got := reuse.Needs(source.given); got != test.needs {
				t.Errorf("it needs the deployed revision: %v, want %v", got, test.needs)
			}
			if test.needs {
				reuse.Apply(source, deployed)
			}
			if err := source.merge(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, source.merged); diff != "" {
				t.Errorf("what is rendered (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.stored, source.given); diff != "" {
				t.Errorf("what is stored as given (-want +got):\n%s", diff)
			}
			if deployed.Values["both"] != "before" || deployed.Merged["both"] != "before" {
				t.Errorf("the deployed revision has changed: %v", deployed)
			}
		})
	}
}
