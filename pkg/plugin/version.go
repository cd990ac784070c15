package plugin

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

// Build says which build of the program this is; empty fields are not known.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"`
}

// NewBuild returns the build that the linker was told of. Where it was told nothing, as by go install, it is what Go knows of
// it, and without that the version dev.
func NewBuild(version, commit, date string) Build {
	if version != "" {
		return Build{Version: version, Commit: commit, Date: date}
	}
	known := Build{Version: "dev"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return known
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		known.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			known.Commit = setting.Value
		case "vcs.time":
			known.Date = setting.Value
		}
	}
	return known
}

// VersionFlags are the flags of version.
type VersionFlags struct {
	Client bool
	Output dataFormat
}

// VersionOptions are what version needs.
type VersionOptions struct {
	Build Build
	// Client asks no server.
	Client bool
	Output dataFormat
	Getter genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

// versions are what version prints.
type versions struct {
	Build
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
	// Server and Features are nil where no server was asked or none has answered.
	Server   *version.Info  `json:"serverVersion,omitempty"`
	Features *kube.Features `json:"features,omitempty"`
}

func newVersionCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams, build Build) *cobra.Command {
	var flags VersionFlags
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the client and server versions",
		Long: templates.LongDesc(`
			Print the version of this program and of the API server, and which server features the program can use.`),
		Example: templates.Examples(`
			# Print the versions of the client and of the server of the current context
			kubectl sherpack version

			# Print the version of the client alone
			kubectl sherpack version --client`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := flags.ToOptions(cmd)
			if err != nil {
				return err
			}
			options.Build, options.Getter, options.IOStreams = build, getter, streams
			return options.Run(cmd.Context())
		},
	}
	flags.AddFlags(command)
	return command
}

// AddFlags adds the flags.
func (f *VersionFlags) AddFlags(command *cobra.Command) {
	command.Flags().BoolVar(&f.Client, "client", f.Client, "Print the client version only (no server required).")
	f.Output.AddFlags(command)
}

// ToOptions checks the flags.
func (f *VersionFlags) ToOptions(command *cobra.Command) (*VersionOptions, error) {
	return &VersionOptions{Client: f.Client, Output: f.Output}, f.Output.Check(command)
}

// Run prints the versions. That of the client is printed also where the server does not answer, which is an error.
func (o *VersionOptions) Run(ctx context.Context) error {
	found := versions{Build: o.Build, GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	var failure error
	if !o.Client {
		failure = o.ask(ctx, &found)
	}
	return cmp.Or(found.print(o.Output, o.Out), failure)
}

// ask adds what the server says of itself.
func (o *VersionOptions) ask(ctx context.Context, found *versions) error {
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return err
	}
	defer at.Close()
	if found.Server, err = at.cluster.Version(ctx); err != nil {
		return err
	}
	if !kube.Supports(found.Server) {
		at.warnings.Warn("the server's version %s is older than %s, the oldest that is supported", found.Server.GitVersion, kube.OldestServer)
	}
	features := at.cluster.Features(ctx, at.namespace, found.Server)
	found.Features = &features
	return nil
}

func (v versions) print(output dataFormat, out io.Writer) error {
	if output.ForMachines() {
		return output.Print(v, out)
	}
	_, err := fmt.Fprintln(out, v.text())
	return err
}

// text is in the form of kubectl version.
func (v versions) text() string {
	text := "Client Version: " + v.Version
	for _, line := range []struct{ title, value string }{
		{"Commit", v.Commit}, {"Date", v.Date}, {"Go Version", v.GoVersion}, {"Platform", v.Platform},
	} {
		if line.value != "" {
			text += "\n" + line.title + ": " + line.value
		}
	}
	if v.Server != nil {
		text += "\nServer Version: " + printers.Clean(v.Server.GitVersion)
	}
	if v.Features != nil {
		text += "\nFeatures:"
		for _, feature := range v.Features.All() {
			text += fmt.Sprintf("\n  %s: %s", feature.Title, feature.State)
		}
	}
	return text
}
