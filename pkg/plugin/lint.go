package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lint"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// LintFlags are the flags of lint.
type LintFlags struct {
	Values  valuesFlags
	Assumed assumedFlags
	// UseCluster asks the cluster instead of assuming one.
	UseCluster bool
	Strict     bool
	Output     dataFormat
}

// LintOptions are what lint needs.
type LintOptions struct {
	PackPath string
	// Given is nil where the pack's own values are to be used.
	Given   *valuesFlags
	Assumed assumedFlags
	// UseCluster asks the cluster instead of assuming one.
	UseCluster bool
	// Guess chooses a version that fits the pack, because none was given.
	Guess bool
	// Strict fails for warnings, too.
	Strict bool
	Output dataFormat
	Getter genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newLintCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	var flags LintFlags
	command := &cobra.Command{
		Use:   "lint PACK",
		Short: "Check a pack for mistakes",
		Long: templates.LongDesc(`
			Check a pack for mistakes in its metadata, schema, hook annotations and templates, for names that are too long,
			missing references, and deprecated or removed API versions. Templates are rendered with each ci/*-values.yaml of
			the pack, or with its defaults if there is none.

			The cluster is not contacted unless --use-cluster is given. Errors exit with code 2; with --strict, so do
			warnings.`),
		Example: templates.Examples(`
			# Check the pack in the folder shop
			kubectl sherpack lint ./shop

			# Check for an older Kubernetes version, with other values
			kubectl sherpack lint ./shop --kube-version 1.30 -f production.yaml

			# Check against the current cluster, and print JSON
			kubectl sherpack lint ./shop --use-cluster -o json`),
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
func (f *LintFlags) AddFlags(command *cobra.Command) {
	f.Values.AddFlags(command.Flags())
	f.Assumed.AddFlags(command.Flags())
	command.Flags().BoolVar(&f.UseCluster, "use-cluster", false, "Check against the API versions of the current cluster.")
	command.Flags().BoolVar(&f.Strict, "strict", false, "Treat warnings as errors.")
	f.Output.AddFlags(command)
}

// ToOptions checks the flags and completes them.
func (f *LintFlags) ToOptions(command *cobra.Command, args []string) (*LintOptions, error) {
	if err := f.Output.Check(command); err != nil {
		return nil, err
	}
	options := &LintOptions{PackPath: args[0], Assumed: f.Assumed, UseCluster: f.UseCluster, Strict: f.Strict, Output: f.Output}
	for _, name := range []string{kubeVersionFlag, apiVersionsFlag} {
		if f.UseCluster && command.Flags().Changed(name) {
			return nil, inputError{fmt.Errorf("--use-cluster and --%s cannot be used together", name)}
		}
	}
	options.Guess = !command.Flags().Changed(kubeVersionFlag)
	if slices.ContainsFunc([]string{"values", "set", "set-string", "set-json", "set-file"}, command.Flags().Changed) {
		options.Given = &f.Values
	}
	return options, nil
}

// Run checks the pack and prints what it finds. The error is an inputError where that is more than may be.
func (o *LintOptions) Run(ctx context.Context) error {
	findings, err := o.findings(ctx)
	if err != nil {
		return err
	}
	if err := o.print(findings); err != nil {
		return err
	}
	if err := tooMany(o.PackPath, findings, o.Strict); err != nil {
		return err
	}
	if !o.Output.ForMachines() {
		_, _ = fmt.Fprintf(o.ErrOut, "pack %s has no errors and %s\n", o.PackPath, words.Count(lint.Count(findings, lint.Warning), "warning"))
	}
	return nil
}

// findings are what is found in the pack. The error is about what cannot be read, and about the cluster.
func (o *LintOptions) findings(ctx context.Context) ([]lint.Finding, error) {
	opened, err := source.Open(o.PackPath)
	var invalid *pack.InvalidError
	if errors.As(err, &invalid) {
		return lint.Invalid(o.PackPath, invalid), nil
	}
	if err != nil {
		return nil, err
	}
	var given pack.Given
	if o.Given != nil {
		if given, err = o.Given.Load(o.In); err != nil {
			return nil, err
		}
	}
	chosen, err := o.linter(ctx, opened.Pack())
	if err != nil {
		return nil, err
	}
	findings := chosen.Lint(opened, given)
	if o.Given != nil {
		findings = append(findings, lintUnread(opened, given, o.Given.Strict)...)
	}
	return findings, nil
}

// tooMany is the error for findings of which a pack must not have any.
func tooMany(packPath string, findings []lint.Finding, strict bool) error {
	failing, warnings := lint.Count(findings, lint.Error), lint.Count(findings, lint.Warning)
	if failing == 0 && (warnings == 0 || !strict) {
		return nil
	}
	return inputError{fmt.Errorf("pack %s has %s and %s", packPath, words.Count(failing, "error"), words.Count(warnings, "warning"))}
}

// linter returns one for the cluster, or for the version that was given or fits the pack.
func (o *LintOptions) linter(ctx context.Context, p *pack.Pack) (lint.Linter, error) {
	switch {
	case o.UseCluster:
		return o.clusterLinter(ctx)
	case o.Guess:
		return guessingLinter(p, o.Assumed.APIVersions)
	}
	return assumingLinter(o.Assumed)
}

// clusterLinter lints for what the cluster serves.
func (o *LintOptions) clusterLinter(ctx context.Context) (lint.Linter, error) {
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return lint.Linter{}, err
	}
	defer at.Close()
	found, err := at.cluster.Capabilities(ctx)
	if err != nil {
		return lint.Linter{}, err
	}
	apis, err := compiledAPIs(found.Version)
	if err != nil {
		return lint.Linter{}, fmt.Errorf("reading the version of the cluster: %w", err)
	}
	apis.Served = found.APIVersions
	return linter(apis, render.Capabilities{
		KubeVersion: render.KubeVersion{Version: found.Version, Major: found.Major, Minor: found.Minor}, APIVersions: found.APIVersions,
	}), nil
}

// guessingLinter lints for the newest version that this program knows and that the pack supports.
func guessingLinter(p *pack.Pack, apiVersions []string) (lint.Linter, error) {
	newest, err := version.ParseGeneric(defaultKubeVersion)
	if err != nil {
		return lint.Linter{}, err
	}
	assumed := assumedFlags{KubeVersion: defaultKubeVersion, APIVersions: apiVersions}
	for minor := newest.Minor(); minor > 0; minor-- {
		if guess := fmt.Sprintf("v%d.%d.0", newest.Major(), minor); p.SupportsKube(guess) == nil {
			assumed.KubeVersion = guess
			break
		}
	}
	made, err := assumingLinter(assumed)
	made.Assumed = true
	return made, err
}

// assumingLinter lints for a cluster that is not asked. Templates are told what its version serves, and what was named.
func assumingLinter(assumed assumedFlags) (lint.Linter, error) {
	capabilities, err := assumed.Capabilities()
	if err != nil {
		return lint.Linter{}, err
	}
	apis, err := compiledAPIs(capabilities.KubeVersion.Version)
	if err != nil {
		return lint.Linter{}, err
	}
	capabilities.APIVersions = slices.Concat(apis.Names(), assumed.APIVersions)
	return linter(apis, capabilities), nil
}

// compiledAPIs are those of a version of Kubernetes as far as this program knows.
func compiledAPIs(kubeVersion string) (lint.APIs, error) {
	parsed, err := version.ParseGeneric(kubeVersion)
	if err != nil {
		return lint.APIs{}, err
	}
	compiled, err := version.ParseGeneric(defaultKubeVersion)
	if err != nil {
		return lint.APIs{}, err
	}
	kinds, err := compiledKinds()
	return lint.APIs{Version: parsed, Compiled: compiled, Scheme: kinds}, err
}

// linter lints packs for a cluster.
func linter(apis lint.APIs, capabilities render.Capabilities) lint.Linter {
	return lint.Linter{APIs: apis, Engine: render.Engine{Capabilities: capabilities}}
}

// linted is what lint prints for machines.
type linted struct {
	Pack     string         `json:"pack"`
	Errors   int            `json:"errors"`
	Warnings int            `json:"warnings"`
	Findings []lint.Finding `json:"findings"`
}

func (o *LintOptions) print(findings []lint.Finding) error {
	if o.Output.ForMachines() {
		return o.Output.Print(linted{
			Pack: o.PackPath, Errors: lint.Count(findings, lint.Error), Warnings: lint.Count(findings, lint.Warning),
			// No findings are an empty list, not none.
			Findings: append([]lint.Finding{}, findings...),
		}, o.Out)
	}
	for _, finding := range findings {
		if _, err := fmt.Fprintln(o.Out, printers.Clean(finding.String())); err != nil {
			return err
		}
	}
	return nil
}
