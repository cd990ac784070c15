package plugin_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/sherpack-io/kubectl-sherpack/pkg/reference"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	t.Run("it lists the topics, and prints the page of one", explainPrintsPages)
	t.Run("the flags and commands on the pages are there", flagsAndCommandsOnThePagesAreThere)
}

func explainPrintsPages(t *testing.T) {
	t.Parallel()
	list, stderr, code := run(t, "explain")
	if code != 0 || stderr != "" || strings.Count(list, "\n") != len(reference.Topics()) {
		t.Errorf("exit code %d: %s%s", code, list, stderr)
	}
	for _, topic := range reference.Topics() {
		want, err := reference.Page(topic.Name)
		if err != nil {
			t.Fatal(err)
		}
		stdout, _, code := run(t, "explain", topic.Name)
		if code != 0 || stdout != want || !strings.Contains(list, topic.Name+" ") {
			t.Errorf("%s: exit code %d: %s", topic.Name, code, stdout)
		}
	}
	stdout, stderr, code := run(t, "explain", "hook")
	if code != 2 || stdout != "" || stderr != "error: no page about \"hook\"; topics: hooks, phases, annotations, values; did you mean hooks?\n" {
		t.Errorf("exit code %d, it prints %q and %q", code, stdout, stderr)
	}
}

func flagsAndCommandsOnThePagesAreThere(t *testing.T) {
	t.Parallel()
	var flags, paths []string
	for _, command := range commands(t) {
		paths = append(paths, command.CommandPath())
		command.Flags().VisitAll(func(flag *pflag.Flag) { flags = append(flags, flag.Name) })
	}
	for _, topic := range reference.Topics() {
		text, err := reference.Page(topic.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(strings.ReplaceAll(text, "--for", ""), -1) {
			if !slices.Contains(flags, match[1]) {
				t.Errorf("%s names the flag --%s", topic.Name, match[1])
			}
		}
		for _, match := range regexp.MustCompile(`kubectl sherpack [a-z]+`).FindAllString(text, -1) {
			if !slices.Contains(paths, match) {
				t.Errorf("%s names the command %s", topic.Name, match)
			}
		}
	}
}
