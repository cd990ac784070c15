package plugin

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

// PackageOptions are what package needs.
type PackageOptions struct {
	PackPath string
	// Destination is the folder that the archive is written to.
	Destination string
	genericiooptions.IOStreams
}

func newPackageCommand(streams genericiooptions.IOStreams) *cobra.Command {
	options := PackageOptions{IOStreams: streams}
	command := &cobra.Command{
		Use:   "package PACK",
		Short: "Package a pack as an archive",
		Long: templates.LongDesc(`
			Package a pack as the archive NAME-VERSION.tgz, and print its path and digest. The pack is linted first, and is
			not packaged if there are errors.

			The same files produce the same bytes on any machine. Files matched by .sherpackignore are left out.`),
		Example: templates.Examples(`
			# Package the pack in the folder shop
			kubectl sherpack package ./shop

			# Write it to another folder
			kubectl sherpack package ./shop --destination dist`),
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			options.PackPath = args[0]
			return options.Run()
		},
	}
	command.Flags().StringVarP(&options.Destination, "destination", "d", ".", "The folder to write the archive to. It is created if it does not exist.")
	return command
}

// Run writes the archive and prints its path and digest.
func (o *PackageOptions) Run() error {
	source, err := source.Open(o.PackPath)
	if err != nil {
		return err
	}
	if err := o.lint(source); err != nil {
		return err
	}
	opened := source.Pack()
	target := filepath.Join(o.Destination, opened.ArchiveName())
	if err := o.checkTarget(opened, target); err != nil {
		return err
	}
	if err := os.MkdirAll(o.Destination, folderMode); err != nil {
		return writeError(o.Destination, err)
	}
	digest, err := writeArchive(opened, target)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.Out, "%s sha256:%s\n", target, digest)
	return err
}

// lint refuses a pack with errors. What is found is told.
func (o *PackageOptions) lint(opened source.Source) error {
	chosen, err := guessingLinter(opened.Pack(), nil)
	if err != nil {
		return err
	}
	findings := chosen.Lint(opened, pack.Given{})
	for _, finding := range findings {
		_, _ = fmt.Fprintln(o.ErrOut, printers.Clean(finding.String()))
	}
	return tooMany(o.PackPath, findings, false)
}

// checkTarget refuses an archive that would be a part of the pack the next time.
func (o *PackageOptions) checkTarget(opened *pack.Pack, target string) error {
	folder, err := resolved(o.PackPath)
	if err != nil {
		return writeError(target, err)
	}
	destination, err := resolved(o.Destination)
	if err != nil {
		return writeError(o.Destination, err)
	}
	inside, err := filepath.Rel(folder, filepath.Join(destination, opened.ArchiveName()))
	if err != nil || !filepath.IsLocal(inside) || opened.Excludes(filepath.ToSlash(inside)) {
		return nil
	}
	if found, err := os.Stat(folder); err != nil || !found.IsDir() {
		return nil
	}
	return inputError{fmt.Errorf("%s: would be a part of the pack itself; name another folder with --destination, or exclude it with a line /*.tgz in %s/%s",
		target, strings.TrimRight(o.PackPath, "/"), pack.IgnoreFile)}
}

// resolved is the absolute path of a folder, without links. What of it is not there yet is taken as it is written.
func resolved(name string) (string, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	target, err := filepath.EvalSymlinks(path)
	if above := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) && above != path {
		target, err = resolved(above)
		return filepath.Join(target, filepath.Base(path)), err
	}
	return target, err
}

// writeArchive writes the archive of a pack, whole or not at all, and returns its digest.
func writeArchive(opened *pack.Pack, target string) (digest string, err error) {
	file, err := os.CreateTemp(filepath.Dir(target), ".sherpack-*.tgz")
	if err != nil {
		return "", writeError(target, err)
	}
	defer func() {
		_ = file.Close()
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	sum := sha256.New()
	if err := opened.WriteArchive(io.MultiWriter(file, sum)); err != nil {
		return "", err
	}
	const mode = 0o644
	if err := file.Chmod(mode); err != nil {
		return "", writeError(target, err)
	}
	if err := file.Close(); err != nil {
		return "", writeError(target, err)
	}
	if err := os.Rename(file.Name(), target); err != nil {
		return "", writeError(target, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
