package hook

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// Subject is a hook at one phase, as far as its title depends on it.
type Subject struct {
	Phase     Phase
	Kind      schema.GroupKind
	Namespace string
	Name      string
}

// Titles returns how some hooks of a release are shown, in their order: pre-install/migrate for a Job or a Pod,
// pre-install/serviceaccount/migrate for any other kind. The prefix "<release>-" is left off the name. Where that would show
// two hooks of a phase under one title, they are shown with the whole name; where that is not enough, those outside of the
// release's namespace with theirs in front of it; and then all of them with their kind and its group.
func Titles(hooks []Subject, release types.NamespacedName) []string {
	forms := make([][]string, len(hooks))
	titles := make([]string, len(hooks))
	for i, h := range hooks {
		forms[i] = h.forms(release)
		titles[i] = forms[i][0]
	}
	for step := 1; step < titleForms; step++ {
		shared := duplicates(titles)
		for i := range titles {
			if slices.Contains(shared, titles[i]) {
				titles[i] = forms[i][step]
			}
		}
	}
	return titles
}

// titleForms is how many forms of a title there are.
const titleForms = 5

// forms are the titles that a hook may have, each says as much as the one before it or more.
func (s Subject) forms(release types.NamespacedName) []string {
	short := strings.TrimPrefix(s.Name, release.Name+"-")
	if short == "" {
		short = s.Name
	}
	located := s.Name
	if s.Namespace != "" && s.Namespace != release.Namespace {
		located = s.Namespace + "/" + s.Name
	}
	kind := strings.ToLower(s.Kind.Kind)
	prefix := string(s.Phase) + "/"
	always := prefix
	if !kinds.RunsPods(s.Kind) {
		always += kind + "/"
	}
	grouped := kind
	if s.Kind.Group != "" {
		grouped += "." + s.Kind.Group
	}
	return []string{always + short, always + s.Name, always + located, prefix + kind + "/" + located, prefix + grouped + "/" + located}
}

// duplicates returns the words that are there more than once.
func duplicates(words []string) []string {
	sorted := slices.Sorted(slices.Values(words))
	var found []string
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			found = append(found, sorted[i])
		}
	}
	return found
}
