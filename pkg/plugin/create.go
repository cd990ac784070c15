package plugin

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/starter"
)

// CreateOptions are what create needs.
type CreateOptions struct {
	// Folder is where the pack is written to. It must not exist.
	Folder string
	// Name is the pack's.
	Name string
	genericiooptions.IOStreams
}

func newCreateCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "create NAME",
		Short: "Create a pack to start from",
		Long: templates.LongDesc(`
			Create a pack to start from. It has a Deployment, a Service, hooks (a migration, a notification and a test), a
			values schema, notes, and values for lint, and can be installed as it is.

			NAME may be a path; its last part is the name of the pack. Existing files and folders are never overwritten.`),
		Example: templates.Examples(`
			# Create the pack shop in the folder shop
			kubectl sherpack create shop

			# Create it in another folder, which must exist
			kubectl sherpack create packs/shop`),
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			folder := filepath.Clean(args[0])
			options := CreateOptions{Folder: folder, Name: filepath.Base(folder), IOStreams: streams}
			return options.Run()
		},
	}
}

// Run writes the pack.
func (o *CreateOptions) Run() error {
	if err := pack.CheckName(o.Name); err != nil {
		return inputError{fmt.Errorf("the name of the pack %w", err)}
	}
	err := starter.Write(o.Folder, o.Name)
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrExist):
		return &pack.FileError{Path: o.Folder, Message: "already exists and is not overwritten; choose another name"}
	case errors.As(err, &at):
		return &pack.FileError{Path: at.Path, Message: "create pack " + o.Name, Err: at.Err}
	case err != nil:
		return &pack.FileError{Path: o.Folder, Message: "create pack " + o.Name, Err: err}
	}
	_, err = fmt.Fprintf(o.Out, "pack %s created in %s\n", o.Name, o.Folder)
	return err
}
