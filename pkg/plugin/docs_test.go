package plugin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
)

// Every command line of the documentation has a command and flags that there are, also where it cannot be run, as in the file of a CI
// service.
func TestCommandsInTheDocumentation(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		lines := documentedCommands(string(text))
		found += len(lines)
		for _, line := range lines {
			checkDocumented(t, filepath.Base(page), line)
		}
	}
	const atLeast = 100
	if found < atLeast {
		t.Errorf("found %d commands, expected at least %d", found, atLeast)
	}
}

// documentedCommands are what follows "kubectl sherpack" on a page, to the end of the command.
func documentedCommands(text string) []string {
	text = strings.ReplaceAll(text, "\\\n", " ")
	var found []string
	for _, match := range regexp.MustCompile("kubectl sherpack( [^`\n|;&>#)\"]*)?").FindAllString(text, -1) {
		found = append(found, strings.TrimPrefix(match, "kubectl sherpack"))
	}
	return found
}

// checkDocumented checks a command line as far as it goes: in a sentence a command may stand without its arguments.
func checkDocumented(t *testing.T, page, line string) {
	t.Helper()
	words := strings.Fields(line)
	// A sentence may go on after the name of the program.
	isSentence := len(words) == 0 || !regexp.MustCompile(`^(-|[a-z]+$)`).MatchString(words[0])
	root := plugin.NewCommand(genericiooptions.NewTestIOStreamsDiscard(), plugin.Build{})
	root.InitDefaultHelpCmd()
	if isSentence {
		return
	}
	command, args, err := root.Find(words)
	if err != nil {
		t.Errorf("%s: kubectl sherpack%s: %v", page, line, err)
		return
	}
	if command == root && !strings.HasPrefix(words[0], "-") {
		t.Errorf("%s: kubectl sherpack%s: there is no command %q", page, line, words[0])
		return
	}
	if err := command.ParseFlags(withoutHelp(command, args)); err != nil {
		t.Errorf("%s: kubectl sherpack%s: %v", page, line, err)
	}
}

// withoutHelp are arguments without the flag that cobra adds when it runs a command.
func withoutHelp(command *cobra.Command, args []string) []string {
	command.InitDefaultHelpFlag()
	return args
}
