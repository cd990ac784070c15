package reference_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/reference"
)

func TestPages(t *testing.T) {
	t.Parallel()
	t.Run("there is one for each topic, and it fits on a screen", thereIsOneForEachTopic)
	t.Run("the annotations are those that are read", theAnnotationsAreThoseThatAreRead)
	t.Run("the phases are those at which hooks run", thePhasesAreThoseAtWhichHooksRun)
	t.Run("the delete policies are those that there are", theDeletePoliciesAreThoseThatThereAre)
	t.Run("no page names an annotation or a phase that there is not", noPageNamesWhatThereIsNot)
	t.Run("the manual lists the same", theManualListsTheSame)
}

func page(t *testing.T, topic string) string {
	t.Helper()
	text, err := reference.Page(topic)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func thereIsOneForEachTopic(t *testing.T) {
	t.Parallel()
	const lines, columns = 45, 80
	for _, topic := range reference.Topics() {
		text := page(t, topic.Name)
		if count := strings.Count(text, "\n"); count > lines {
			t.Errorf("%s has %d lines", topic.Name, count)
		}
		for line := range strings.Lines(text) {
			if utf8.RuneCountInString(line) > columns+1 {
				t.Errorf("%s: too wide: %s", topic.Name, line)
			}
		}
	}
	if text, err := reference.Page("nothing"); err == nil || text != "" {
		t.Errorf("a page about nothing says %q", text)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name, isPage := strings.CutSuffix(entry.Name(), ".txt")
		if isPage && !slices.ContainsFunc(reference.Topics(), func(topic reference.Topic) bool { return topic.Name == name }) {
			t.Errorf("%s is no topic", name)
		}
	}
}

// entries are the words that begin the lines of a page that are indented by two spaces.
func entries(text, pattern string) []string {
	var found []string
	for _, match := range regexp.MustCompile(`(?m)^  (`+pattern+`)(?:  .*)?$`).FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

func words[T ~string](of []T) []string {
	var found []string
	for _, word := range of {
		found = append(found, string(word))
	}
	return found
}

func theAnnotationsAreThoseThatAreRead(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(hook.Annotations(), entries(page(t, "annotations"), `sherpack\.io/[a-z-]+`)); diff != "" {
		t.Errorf("annotations (-code +page):\n%s", diff)
	}
}

func thePhasesAreThoseAtWhichHooksRun(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(words(hook.Phases()), entries(page(t, "phases"), `(?:pre|post)-[a-z]+|test`)); diff != "" {
		t.Errorf("phases (-code +page):\n%s", diff)
	}
}

func theDeletePoliciesAreThoseThatThereAre(t *testing.T) {
	t.Parallel()
	want := words(hook.DeletePolicies())
	got := entries(page(t, "hooks"), `before-[a-z-]+|hook-[a-z]+`)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("delete policies (-code +page):\n%s", diff)
	}
	for _, policy := range want {
		if !strings.Contains(page(t, "annotations"), policy) {
			t.Errorf("annotations does not name %s", policy)
		}
	}
}

func noPageNamesWhatThereIsNot(t *testing.T) {
	t.Parallel()
	for _, topic := range reference.Topics() {
		text := page(t, topic.Name)
		for _, annotation := range regexp.MustCompile(`sherpack\.io/[a-z-]+`).FindAllString(text, -1) {
			if !slices.Contains(hook.Annotations(), annotation) {
				t.Errorf("%s names %s", topic.Name, annotation)
			}
		}
		for _, phase := range regexp.MustCompile(`\b(?:pre|post)-[a-z]+`).FindAllString(text, -1) {
			if !slices.Contains(hook.Phases(), hook.Phase(phase)) {
				t.Errorf("%s names %s", topic.Name, phase)
			}
		}
	}
}

func theManualListsTheSame(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../docs/hooks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, annotation := range hook.Annotations() {
		if !strings.Contains(string(manual), annotation) {
			t.Errorf("docs/hooks.md does not name %s", annotation)
		}
	}
}
