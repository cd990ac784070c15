package hook

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// The annotations of this project that a pack may set. Where one of the first three is absent, Helm's annotation of
// the same name counts.
const (
	Annotation             = prefix + "hook"
	WeightAnnotation       = prefix + "hook-weight"
	DeletePolicyAnnotation = prefix + "hook-delete-policy"
	TimeoutAnnotation      = prefix + "hook-timeout"
	NeedsAnnotation        = prefix + "hook-needs"
	ReadyWhenAnnotation    = prefix + "ready-when"
	FailedWhenAnnotation   = prefix + "failed-when"
	ResourcePolicy         = prefix + "resource-policy"
	OnImmutableAnnotation  = prefix + "on-immutable"

	prefix     = "sherpack.io/"
	helmPrefix = "helm.sh/"
	// CRDInstall is what Helm 2 called a hook: a definition, created before all else. Charts have it to this day.
	CRDInstall = "crd-install"

	// helmsLogPolicy says when Helm prints the log of a hook.
	helmsLogPolicy = helmPrefix + "hook-output-log-policy"
)

// Annotations returns the annotations of this project that a pack may set, those that only hooks may have first.
func Annotations() []string {
	return []string{
		Annotation, WeightAnnotation, DeletePolicyAnnotation, TimeoutAnnotation, NeedsAnnotation,
		ReadyWhenAnnotation, FailedWhenAnnotation, ResourcePolicy, OnImmutableAnnotation,
	}
}

// onlyOnHooks is how many of the known annotations mean nothing on a resource that is no hook.
const onlyOnHooks = 5

// Error says which annotation of which resource cannot be read, and where it stands.
type Error struct {
	// File is empty and Line 0 where the place is not known.
	File string
	Line int
	// Object is the resource, as Job/migrate.
	Object string
	// Annotation is its key, and Message what is wrong with it.
	Annotation string
	Message    string
}

// Error returns "file:line: Job/migrate: annotation: message".
func (e *Error) Error() string {
	place := ""
	if e.File != "" {
		place = fmt.Sprintf("%s:%d: ", e.File, e.Line)
	}
	return fmt.Sprintf("%s%s: %s: %s", place, e.Object, e.Annotation, e.Message)
}

// annotations are those of one resource, with what a message about them needs.
type annotations struct {
	node   *yaml.RNode
	values map[string]string
	// strict refuses what Helm ignores under its own keys.
	strict bool
}

func read(node *yaml.RNode) annotations {
	return annotations{node: node, values: node.GetAnnotations()}
}

// get returns the value of an annotation and the key it was found under; Helm's key counts where ours is absent.
func (a annotations) get(key string) (value, found string, ok bool) {
	for _, candidate := range []string{key, helmPrefix + strings.TrimPrefix(key, prefix)} {
		if value, ok := a.values[candidate]; ok {
			return a.word(candidate, value), candidate, true
		}
	}
	return "", "", false
}

// word is the value of an annotation without white space around it; case does not matter to Helm.
func (a annotations) word(key, value string) string {
	if value = strings.TrimSpace(value); a.ignores(key) {
		return strings.ToLower(value)
	}
	return value
}

// ignores reports whether a word that nobody knows means nothing under a key.
func (a annotations) ignores(key string) bool { return !a.strict && strings.HasPrefix(key, helmPrefix) }

func (a annotations) errorf(key, format string, args ...any) error {
	file, _, _ := kioutil.GetFileAnnotations(a.node)
	return &Error{
		File: file, Line: a.line(key), Object: a.node.GetKind() + "/" + a.node.GetName(),
		Annotation: key, Message: fmt.Sprintf(format, args...),
	}
}

func (a annotations) line(key string) int { return Line(a.node, key) }

// Line is where an annotation of a resource stands in its file: its own line or, where the resource does not have it, the
// first one of the resource. It is 0 where lines are not known.
func Line(node *yaml.RNode, key string) int {
	entry, err := node.Pipe(yaml.Lookup("metadata", "annotations"))
	if err == nil && entry != nil {
		if field := entry.Field(key); field != nil {
			return field.Key.YNode().Line
		}
	}
	return node.YNode().Line
}

// isHook reports whether a resource says that it is a hook, rightly or not.
func isHook(node *yaml.RNode) bool {
	a := read(node)
	_, _, ok := a.get(Annotation)
	return ok && !IsInstalledFirst(kinds.OfNode(node).GroupKind(), a.values)
}

// IsInstalledFirst reports whether a resource is a definition that was a hook for Helm 2. Definitions are applied before all else anyway.
func IsInstalledFirst(kind schema.GroupKind, values map[string]string) bool {
	value, key, ok := annotations{values: values}.get(Annotation)
	return ok && key != Annotation && slices.Contains(split(value), CRDInstall) && kinds.IsDefinition(kind)
}

// Parse reads the annotations of a hook, Helm's as Helm reads them: case does not matter, and words that it does not know mean nothing,
// but for phases. All that is wrong with them is reported at once, as joined *Error.
func Parse(node *yaml.RNode) (Hook, error) { return read(node).parse() }

func (a annotations) parse() (Hook, error) {
	h := Hook{Node: a.node}
	var errs [6]error
	h.Phases, errs[0] = a.phases()
	h.Weight, errs[1] = a.weight()
	h.Policies, errs[2] = a.policies()
	h.Timeout, errs[3] = a.timeout()
	h.Needs, h.NeedsNothing, errs[4] = a.needs()
	h.Logs, errs[5] = a.logs()
	if err := errors.Join(errs[:]...); err != nil {
		return Hook{}, err
	}
	return h, nil
}

func (a annotations) phases() ([]Phase, error) {
	value, key, ok := a.get(Annotation)
	if !ok {
		return nil, a.errorf(Annotation, "missing: not a hook")
	}
	return parseList(value, Phases(), func(word string) (Phase, error) {
		if word == "test-success" {
			return Test, nil
		}
		return "", a.errorf(key, "unknown phase %q; valid phases: %s%s", word, strings.Join(words.Texts(Phases()), ", "), words.Suggestion(word, Phases()))
	})
}

func (a annotations) policies() ([]DeletePolicy, error) {
	value, key, ok := a.get(DeletePolicyAnnotation)
	var found []DeletePolicy
	var err error
	if ok {
		found, err = parseList(value, DeletePolicies(), func(word string) (DeletePolicy, error) {
			return "", a.unknown(key, "delete policy", "policies", word, words.Texts(DeletePolicies()))
		})
	}
	if err == nil && len(found) == 0 && kinds.RunsPods(kinds.OfNode(a.node).GroupKind()) {
		found = []DeletePolicy{BeforeHookCreation}
	}
	return found, err
}

// logs reads Helm's annotation; there is none of this project, which has a flag.
func (a annotations) logs() ([]LogPolicy, error) {
	value, given := a.values[helmsLogPolicy]
	if !given {
		return nil, nil
	}
	return parseList(a.word(helmsLogPolicy, value), LogPolicies(), func(word string) (LogPolicy, error) {
		return "", a.unknown(helmsLogPolicy, "log policy", "policies", word, words.Texts(LogPolicies()))
	})
}

// unknown is the error for a word that is none of the valid ones; nil where such a word means nothing.
func (a annotations) unknown(key, what, plural, word string, valid []string) error {
	if a.ignores(key) {
		return nil
	}
	return a.errorf(key, "unknown %s %q; valid %s: %s%s", what, word, plural, strings.Join(valid, ", "), words.Suggestion(word, valid))
}

// parseList reads a comma list of known words, each kept once; other decides about a word that is not one of them, and returns "" to drop
// it.
func parseList[T ~string](value string, valid []T, other func(string) (T, error)) ([]T, error) {
	var found []T
	var errs []error
	for _, text := range split(value) {
		word := T(text)
		if !slices.Contains(valid, word) {
			replaced, err := other(text)
			errs = append(errs, err)
			word = replaced
		}
		if word != "" && !slices.Contains(found, word) {
			found = append(found, word)
		}
	}
	return found, errors.Join(errs...)
}

// split returns the words of a comma list, without white space around them.
func split(value string) []string {
	found := strings.Split(value, ",")
	for i, word := range found {
		found[i] = strings.TrimSpace(word)
	}
	return found
}

func (a annotations) weight() (int, error) {
	value, key, ok := a.get(WeightAnnotation)
	if !ok {
		return 0, nil
	}
	weight, err := strconv.ParseInt(value, 10, 32)
	switch {
	case err != nil && a.ignores(key):
		return 0, nil
	case err != nil:
		return 0, a.errorf(key, "weight %q is not an integer; valid weights: whole numbers such as \"-5\", \"0\" or \"10\"", value)
	}
	return int(weight), nil
}

func (a annotations) timeout() (time.Duration, error) {
	value, ok := a.values[TimeoutAnnotation]
	if !ok {
		return 0, nil
	}
	timeout, err := time.ParseDuration(value)
	if err != nil || timeout <= 0 {
		return 0, a.errorf(TimeoutAnnotation, "%q is not a duration above zero; valid durations: such as \"90s\" or \"5m\"", value)
	}
	return timeout, nil
}

// checkKeys refuses an annotation of ours that nothing reads: a misspelt key would be dropped silently.
func checkKeys(node *yaml.RNode) error {
	a := read(node)
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(a.values)) {
		position := slices.Index(Annotations(), key)
		switch {
		case !strings.HasPrefix(key, prefix):
		case position < 0:
			errs = append(errs, a.errorf(key, "unknown annotation; valid ones: %s%s", strings.Join(Annotations(), ", "), words.Suggestion(key, Annotations())))
		case position < onlyOnHooks && !isHook(node):
			errs = append(errs, a.errorf(key, "has no effect without %s", Annotation))
		}
	}
	return errors.Join(errs...)
}
