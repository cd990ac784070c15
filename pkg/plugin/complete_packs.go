package plugin

import (
	"cmp"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

// archiveExtension is what the names of packed packs end in.
const archiveExtension = ".tgz"

// completePacks completes the path of a pack: folders with a Pack.yaml or Chart.yaml, archives, and other folders, which may lead to some.
func completePacks(_ *cobra.Command, _ []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	folder, beginning := filepath.Split(toComplete)
	entries, err := os.ReadDir(cmp.Or(folder, "."))
	if err != nil {
		cobra.CompDebugln(err.Error(), false)
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	// Where it finds nothing that begins with what was typed, as with ~, a shell looks at the files itself.
	var completions []cobra.Completion
	directive := cobra.ShellCompDirectiveDefault
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, beginning) || strings.HasPrefix(name, ".") && beginning == "" {
			continue
		}
		switch path := folder + name; {
		case isPack(path):
			completions = append(completions, path)
		case isFolder(path):
			completions = append(completions, path+string(filepath.Separator))
			directive |= cobra.ShellCompDirectiveNoSpace
		}
	}
	if len(completions) == 0 {
		directive = cobra.ShellCompDirectiveNoFileComp
	}
	return completions, directive
}

// openBefore opens the pack that is named before, behind the name of a release; nil where there is none that can be opened.
func openBefore(args []string) source.Source {
	if len(args) < 2 {
		return nil
	}
	opened, err := source.Open(args[1])
	if err != nil {
		cobra.CompDebugln(err.Error(), false)
		return nil
	}
	return opened
}

// completeTemplates completes the templates that may render objects, those of dependencies included, of the pack that is named
// before.
func completeTemplates(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	opened := openBefore(args)
	if opened == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	completions := slices.DeleteFunc(opened.Templates(), func(file string) bool {
		name := path.Base(file)
		return strings.HasPrefix(name, "_") || name == path.Base(pack.NotesFile)
	})
	return beginningWith(toComplete, completions), cobra.ShellCompDirectiveNoFileComp
}

// completeValues completes the path of a value, or of a mapping of some, with those that have a default in the pack that is
// named before.
func completeValues(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	opened := openBefore(args)
	if opened == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return beginningWith(toComplete, slices.Sorted(maps.Keys(pack.Paths(opened.Pack().Values)))), cobra.ShellCompDirectiveNoFileComp
}

// isPack reports whether a path looks like a pack.
func isPack(path string) bool {
	if isFolder(path) {
		return pack.IsFolder(path)
	}
	return filepath.Ext(path) == archiveExtension
}

func isFolder(path string) bool {
	found, err := os.Stat(path)
	return err == nil && found.IsDir()
}
