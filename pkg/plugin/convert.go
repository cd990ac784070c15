package plugin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/convert"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// ConvertOptions are what convert needs.
type ConvertOptions struct {
	ChartPath string
	// Folder is where the pack is written to. It must not exist, or be empty.
	Folder string
	genericiooptions.IOStreams
}

func newConvertCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "convert CHART DIR",
		Short: "Convert a Helm chart to a pack",
		Long: templates.LongDesc(`
			Convert a Helm chart to a pack in the folder DIR, which must not exist or be empty. Charts can be installed as
			they are; a pack has stricter templates.

			Chart.yaml becomes Pack.yaml; in the templates, .Chart becomes .Pack, .Release.Service becomes "Helm", and the
			hook annotations are renamed. All other files stay as they are. The charts in charts/ become packs in packs/. A chart
			that uses what packs do not have is not converted: all places are listed, and nothing is written.

			Chart and pack are rendered with the defaults and with each ci/*-values.yaml, as for an install and for an
			upgrade. The pack is written if both give the same objects. The exit code is 2 if they do not, or if the chart
			cannot be converted.`),
		Example: templates.Examples(`
			# Convert the chart in the folder web to a pack in the folder packs/web
			kubectl sherpack convert ./web packs/web

			# Convert an archive
			kubectl sherpack convert web-1.2.3.tgz packs/web`),
		Args: cobra.ExactArgs(2), //nolint:mnd // CHART and DIR.
		RunE: func(_ *cobra.Command, args []string) error {
			options := ConvertOptions{ChartPath: args[0], Folder: filepath.Clean(args[1]), IOStreams: streams}
			return options.Run()
		},
	}
}

// Run writes the pack.
func (o *ConvertOptions) Run() error {
	if err := checkEmpty(o.Folder); err != nil {
		return err
	}
	opened, err := source.Open(o.ChartPath)
	if err != nil {
		return err
	}
	if !opened.IsChart() {
		return inputError{fmt.Errorf("%s: already a pack", o.ChartPath)}
	}
	assumed := assumedFlags{KubeVersion: defaultKubeVersion}
	capabilities, err := assumed.Capabilities()
	if err != nil {
		return err
	}
	converted, err := convert.Chart(opened, render.Engine{Capabilities: capabilities})
	if err != nil {
		return err
	}
	if err := writeFolder(o.Folder, converted.Files); err != nil {
		return err
	}
	for _, note := range converted.Notes {
		_, _ = fmt.Fprintln(o.ErrOut, "warning: "+note)
	}
	_, _ = fmt.Fprintln(o.ErrOut, "warning: "+strictness(converted.Strict))
	_, err = fmt.Fprintf(o.Out, "pack %s created in %s; it renders as the chart does with %s\n",
		opened.Pack().Metadata.Name, o.Folder, words.Join(" and ", converted.Compared...))
	return err
}

// strictness says what undefined values are to a pack that may be strict. What the compared values do not render is not known.
func strictness(strict bool) string {
	if strict {
		return "undefined values are errors in the pack, also with values that were not compared; engine.strict: false in Pack.yaml allows them"
	}
	return "Pack.yaml has engine.strict: false: templates print values that are undefined"
}

// checkEmpty refuses a folder that has files.
func checkEmpty(folder string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return pack.NewFileError("convert chart", folder, err)
	case len(entries) > 0:
		return &pack.FileError{Path: folder, Message: "not empty and not overwritten; choose another folder"}
	}
	return nil
}

// writeFolder writes files into a folder that does not exist or is empty, all of them or none. The folders above it are created. One
// that exists is filled and not replaced: it may be where the user is, or a link.
func writeFolder(folder string, files []pack.File) error {
	_, err := os.Stat(folder)
	isNew := errors.Is(err, fs.ErrNotExist)
	beside := folder
	if isNew {
		beside = filepath.Dir(folder)
	}
	if err := os.MkdirAll(beside, folderMode); err != nil {
		return writeError(folder, err)
	}
	temporary, err := os.MkdirTemp(beside, ".sherpack-*")
	if err != nil {
		return writeError(folder, err)
	}
	// What was moved is no longer there.
	defer func() { _ = os.RemoveAll(temporary) }()
	if err := writeAll(temporary, folder, files); err != nil {
		return err
	}
	if isNew {
		err = os.Rename(temporary, folder)
	} else {
		err = movePack(temporary, folder)
	}
	if err != nil {
		return writeError(folder, err)
	}
	return nil
}

// movePack moves a pack from a folder to another, all of it or nothing. What makes a folder a pack comes last.
func movePack(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int {
		switch pack.MetadataFile {
		case a.Name():
			return 1
		case b.Name():
			return -1
		}
		return 0
	})
	for i, entry := range entries {
		if err := os.Rename(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			for _, moved := range entries[:i] {
				_ = os.RemoveAll(filepath.Join(to, moved.Name()))
			}
			return err
		}
	}
	return nil
}

// writeAll writes files into a temporary folder; errors name the folder that they are for.
func writeAll(temporary, folder string, files []pack.File) error {
	root, err := os.OpenRoot(temporary)
	if err != nil {
		return writeError(folder, err)
	}
	defer root.Close()
	for _, file := range files {
		if err := writeFile(root, filepath.FromSlash(file.Path), string(file.Data)); err != nil {
			return writeError(filepath.Join(folder, file.Path), err)
		}
	}
	const mode = 0o755
	if err := os.Chmod(temporary, mode); err != nil {
		return writeError(folder, err)
	}
	return nil
}
