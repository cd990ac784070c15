package plugin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

var (
	fencedCode = regexp.MustCompile("(?ms)^```.*?\n(.*?)^```")
	otherCode  = regexp.MustCompile("(?m)^    .*$|`[^`]+`")
	sherpack   = regexp.MustCompile("kubectl sherpack( [^`\n|;&>#)\"]*)?")
)

// documentedCommands are what follows "kubectl sherpack" in the code on a page, to the end of the command.
func documentedCommands(text string) []string {
	text = strings.ReplaceAll(text, "\\\n", " ")
	var code []string
	for _, block := range fencedCode.FindAllStringSubmatch(text, -1) {
		code = append(code, block[1])
	}
	for _, span := range otherCode.FindAllString(fencedCode.ReplaceAllString(text, ""), -1) {
		code = append(code, strings.ReplaceAll(span, "\n", " "))
	}
	var found []string
	for _, match := range sherpack.FindAllString(strings.Join(code, "\n"), -1) {
		found = append(found, strings.TrimPrefix(match, "kubectl sherpack"))
	}
	return found
}

func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	const page = "A kubectl sherpack in prose, `kubectl sherpack\nlist -A` and\n\n    kubectl sherpack status a | less\n\n```sh\nkubectl sherpack get \\\n  values a\n```\n"
	if diff := cmp.Diff([]string{" get    values a", " list -A", " status a "}, documentedCommands(page)); diff != "" {
		t.Error(diff)
	}
}

// checkDocumented checks the command and the flags of a line. Arguments may be left out where it is only mentioned.
func checkDocumented(t *testing.T, page, line string) {
	t.Helper()
	words := strings.Fields(line)
	if len(words) == 0 {
		return
	}
	root := plugin.NewCommand(genericiooptions.NewTestIOStreamsDiscard(), plugin.Build{})
	root.InitDefaultHelpCmd()
	command, args, err := root.Find(words)
	if err != nil || command == root && !strings.HasPrefix(words[0], "-") {
		t.Errorf("%s: kubectl sherpack%s: there is no such command: %v", page, line, err)
		return
	}
	command.InitDefaultHelpFlag()
	if err := command.ParseFlags(args); err != nil {
		t.Errorf("%s: kubectl sherpack%s: %v", page, line, err)
	}
}
