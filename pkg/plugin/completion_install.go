package plugin

import (
	"cmp"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
)

// CompletionInstallFlags are the flags of completion install.
type CompletionInstallFlags struct{ Dir string }

// CompletionInstallOptions are what installing completion for kubectl needs.
type CompletionInstallOptions struct {
	// Program is the path of this program.
	Program string
	// Dir is where the other name of the program is put.
	Dir string
	// Copy copies the program instead of linking to it.
	Copy bool
	genericiooptions.IOStreams
}

func newCompletionInstallCommand(streams genericiooptions.IOStreams) *cobra.Command {
	var flags CompletionInstallFlags
	command := &cobra.Command{
		Use:   "install",
		Short: "Let kubectl complete the arguments of kubectl sherpack",
		Long: templates.LongDesc(`
			Install the name kubectl_complete-sherpack for this program; kubectl runs it to complete the arguments of
			kubectl sherpack. It is a symbolic link next to the program. On Windows it is a copy; run the command again
			after an upgrade.

			An existing file of that name that is not the link is not replaced.`),
		Example: templates.Examples(`
			# Complete kubectl sherpack wherever kubectl is completed
			kubectl sherpack completion install

			# Put the link into another folder on PATH
			kubectl sherpack completion install --dir ~/bin`),
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			options, err := flags.ToOptions()
			if err != nil {
				return err
			}
			options.IOStreams = streams
			return options.Run()
		},
	}
	flags.AddFlags(command)
	return command
}

// AddFlags adds the flags.
func (f *CompletionInstallFlags) AddFlags(command *cobra.Command) {
	command.Flags().StringVar(&f.Dir, "dir", f.Dir, "Folder for the link; it should be on PATH. Defaults to the folder of this program.")
}

// ToOptions completes the flags.
func (f *CompletionInstallFlags) ToOptions() (*CompletionInstallOptions, error) {
	program, err := programPath()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	dir, err := filepath.Abs(cmp.Or(f.Dir, filepath.Dir(program)))
	if err != nil {
		return nil, fmt.Errorf("--dir %q: %w", f.Dir, err)
	}
	return &CompletionInstallOptions{Program: program, Dir: dir, Copy: runtime.GOOS == "windows"}, nil
}

// programPath is where the running program stands on PATH, or else its own file. On PATH it may be a link, as with krew, which
// points it to another file with every upgrade.
func programPath() (string, error) {
	running, err := os.Executable()
	if err != nil {
		return "", err
	}
	found, err := exec.LookPath(programName)
	if err == nil && sameFile(found, running) {
		return filepath.Abs(found)
	}
	return running, nil
}

// sameFile reports whether two paths lead to one file.
func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// Run puts the link there, and says so.
func (o *CompletionInstallOptions) Run() error {
	path := filepath.Join(o.Dir, completionName+executableExtension(o.Program))
	done, err := o.place(path)
	if err != nil {
		return fileError{fmt.Errorf("installing %s: %w", path, err)}
	}
	if !onPath(o.Dir) {
		_, _ = fmt.Fprintf(o.ErrOut, "warning: %s is not on PATH, where kubectl looks for %s\n", o.Dir, completionName)
	}
	_, err = fmt.Fprintf(o.Out, "%s %s\n", path, done)
	return err
}

// executableExtension is what the names of programs end in, where they do.
func executableExtension(program string) string {
	if extension := filepath.Ext(program); strings.EqualFold(extension, ".exe") {
		return extension
	}
	return ""
}

// onPath reports whether programs are looked for in a folder.
func onPath(folder string) bool {
	return slices.ContainsFunc(filepath.SplitList(os.Getenv("PATH")), func(other string) bool { return sameFile(other, folder) })
}

// place makes the link or the copy, and returns what it has done.
func (o *CompletionInstallOptions) place(path string) (done string, err error) {
	if err := o.checkFree(path); err != nil {
		return "", err
	}
	if o.Copy {
		return "copied", replace(path, o.copy)
	}
	target := o.Program
	if filepath.Dir(target) == o.Dir {
		// Both may be moved together.
		target = filepath.Base(target)
	}
	if found, err := os.Readlink(path); err == nil && found == target {
		return "unchanged", nil
	}
	return "linked to " + target, replace(path, func(path string) error { return os.Symlink(target, path) })
}

// checkFree refuses to replace what is not this program under its other name, in whatever version.
func (o *CompletionInstallOptions) checkFree(path string) error {
	found, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case found.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		if sameFile(path, o.Program) || strings.TrimSuffix(filepath.Base(target), executableExtension(target)) == programName {
			return nil
		}
	case found.Mode().IsRegular() && isOurs(path):
		return nil
	}
	return errors.New("another file of that name exists; remove it, or choose another folder with --dir")
}

// isOurs reports whether a file was built from the code that this program was built from.
func isOurs(path string) bool {
	ours, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	found, err := buildinfo.ReadFile(path)
	return err == nil && found.Main.Path == ours.Main.Path
}

// replace has a file made beside its place and moves it there at once.
func replace(path string, create func(path string) error) error {
	made := path + "." + newRun()
	if err := create(made); err != nil {
		return err
	}
	if err := os.Rename(made, path); err != nil {
		return errors.Join(err, os.Remove(made))
	}
	return nil
}

// copy copies the program.
func (o *CompletionInstallOptions) copy(path string) (err error) {
	from, err := os.Open(o.Program)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, to.Close()); err != nil {
			_ = os.Remove(path)
		}
	}()
	_, err = io.Copy(to, from)
	return err
}
