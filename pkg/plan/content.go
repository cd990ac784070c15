package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// content is a manifest, split and read.
type content struct {
	// hooks are in running order, one for each hook and phase.
	hooks   []Hook
	regular []manifest.Object
	// wrong are annotations that say nothing, and contradictions those that cannot both hold, which what was stored before
	// they were refused may have.
	wrong, contradictions []error
}

// objects are those of the manifest, hooks of any phase included.
func (c *content) objects() []manifest.Object {
	objects := slices.Clone(c.regular)
	for _, h := range c.hooks {
		objects = append(objects, h.Object)
	}
	return objects
}

// keys are what the objects of the manifest are known by.
func (c *content) keys() map[kinds.Key]bool {
	keys := map[kinds.Key]bool{}
	for _, object := range c.objects() {
		keys[object.Key()] = true
	}
	return keys
}

// inPhases are the hooks of some phases, in running order.
func (c *content) inPhases(phases ...hook.Phase) []Hook {
	var found []Hook
	for _, phase := range phases {
		for _, h := range c.hooks {
			if h.Phase == phase {
				found = append(found, h)
			}
		}
	}
	return found
}

func read(nodes []*yaml.RNode) (*content, error) {
	hooks, regular, err := hook.Split(nodes)
	if err != nil {
		return nil, err
	}
	var found content
	var errs []error
	for _, h := range hooks {
		for _, phase := range h.Phases {
			object, err := manifest.NewObject(h.Node)
			if err == nil {
				err = checkNames(object)
			}
			if err != nil {
				errs = append(errs, err)
				break
			}
			found.hooks = append(found.hooks, Hook{Hook: h, Phase: phase, Object: object})
			found.wrong = append(found.wrong, checkAnnotations(h.Node, object))
			found.contradictions = append(found.contradictions, checkKept(h.Node, object))
		}
	}
	for _, node := range regular {
		object, err := manifest.NewObject(node)
		if err == nil {
			err = checkNames(object)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found.regular = append(found.regular, object)
		found.wrong = append(found.wrong, checkAnnotations(node, object))
	}
	return &found, errors.Join(errs...)
}

// checkNames refuses names that no request may be made for.
func checkNames(object manifest.Object) error {
	for _, name := range []string{object.GetName(), object.GetGenerateName()} {
		if err := kinds.CheckPath(object.GetNamespace(), name); err != nil {
			return &InputError{Object: object, Message: err.Error()}
		}
	}
	return nil
}

// prepare gives every object the namespace, name and marks that it will have on the cluster.
func (c *content) prepare(request Request) error {
	var errs []error
	own, asked := OwnerOf(request.Release), selectorsOf(c.objects())
	taken := map[string]bool{}
	for i := range c.hooks {
		h := &c.hooks[i]
		name(h.Object, request.Release, h.Phase, taken)
		if err := request.place(h.Object); !request.Options.Skips(h.Phase) {
			errs = append(errs, err)
		}
		own.mark(h.Object, h.Phase, asked)
		encodeStringData(h.Object)
	}
	c.title(request.Release)
	for _, object := range c.regular {
		errs = append(errs, request.place(object))
		own.mark(object, "", asked)
		encodeStringData(object)
	}
	slices.SortStableFunc(c.regular, func(a, b manifest.Object) int {
		return kinds.Compare(a.Key(), b.Key())
	})
	return joinUnique(errs)
}

// title gives every hook the title it is shown by.
func (c *content) title(r *release.Release) {
	var subjects []hook.Subject
	for _, h := range c.hooks {
		subjects = append(subjects, hook.Subject{
			Phase: h.Phase, Kind: h.Object.GroupKind(), Namespace: h.Object.GetNamespace(), Name: h.Object.GetName(),
		})
	}
	for i, title := range hook.Titles(subjects, types.NamespacedName{Namespace: r.Namespace, Name: r.Name}) {
		c.hooks[i].Title = title
	}
}

// hooks reads the hooks of a stored manifest that run at some phases.
func (r Request) hooks(phases ...hook.Phase) (*content, error) {
	whole, err := read(r.Nodes)
	if err != nil {
		return nil, err
	}
	found := &content{hooks: whole.inPhases(phases...)}
	return found, found.prepare(r)
}

// place gives an object the namespace it will have on the cluster.
func (r Request) place(object manifest.Object) error {
	namespaced, known := r.Scopes[object.GroupKind()]
	switch {
	case !known:
		message := fmt.Sprintf("the server has no kind %s in %s", object.GetKind(), object.GetAPIVersion())
		if served := r.Served[object.GroupVersionKind()]; served != "" {
			message += "; it is served in " + served
		}
		return &InputError{Object: object, Message: message}
	case !namespaced:
		object.SetNamespace("")
	case object.GetNamespace() == "":
		object.SetNamespace(r.Release.Namespace)
	}
	return nil
}

// name chooses the name of a hook that only says generateName. The same hook of the same revision gets the same name,
// so that it can be found again. taken are the names chosen so far in the phase.
func name(object manifest.Object, r *release.Release, phase hook.Phase, taken map[string]bool) {
	if object.GetName() != "" {
		return
	}
	seed := r.Name + "\x00" + strconv.Itoa(r.Spec.Revision) + "\x00" + string(phase)
	for {
		sum := sha256.Sum256([]byte(seed))
		chosen := object.GetGenerateName() + hex.EncodeToString(sum[:])[:5]
		if !taken[chosen] {
			taken[chosen] = true
			object.SetName(chosen)
			object.SetGenerateName("")
			return
		}
		seed += "\x00"
	}
}

// check finds what is wrong with the objects as a whole.
func (c *content) check(namespace string) error {
	errs := append(c.duplicates(namespace), c.wrong...)
	for _, h := range c.hooks {
		_, err := c.named(h, namespace)
		errs = append(errs, err)
	}
	for _, object := range c.regular {
		if object.GetName() == "" {
			errs = append(errs, &InputError{Object: object, Message: "metadata.generateName would create another object on every upgrade; only hooks may use it"})
		}
	}
	return joinUnique(errs)
}

// checkCRDFolder refuses what is no definition in the folder of these: it would be applied before all hooks, whatever its
// kind and its annotations say. What is stored already may be restored.
func (c *content) checkCRDFolder() error {
	var errs []error
	for _, object := range c.objects() {
		if isBesideManifest(object) && !kinds.IsDefinition(object.GroupKind()) {
			errs = append(errs, &InputError{Object: object, Message: CRDFolder + " holds CustomResourceDefinitions only; move it to templates/"})
		}
	}
	return joinUnique(errs)
}

// definitions matches the folder of definitions of a pack or chart, or of what lies in packs/ and charts/ of it.
var definitions = regexp.MustCompile(`^(?:[^/]+/)?(?:(?:packs|charts)/[^/]+/)*` + CRDFolder)

// IsInCRDFolder reports whether a file lies in a folder of definitions. A pack or chart may be called like it.
func IsInCRDFolder(file string) bool {
	const templates = "templates/"
	folder := definitions.FindString(file)
	return folder != "" && !strings.HasPrefix(file, templates) && !strings.HasPrefix(file[len(folder):], templates)
}

// isBesideManifest reports whether an object comes of a folder of definitions, or counts as such: Helm applies those of charts before
// its manifest, marks them for no release and never deletes them.
func isBesideManifest(object manifest.Object) bool {
	return IsInCRDFolder(object.File) || hook.IsInstalledFirst(object.GroupKind(), object.GetAnnotations())
}

// duplicates finds duplicate objects. A hook may do so in phases that are not the same.
func (c *content) duplicates(namespace string) []error {
	type place struct {
		kinds.Key
		phase hook.Phase
	}
	seen := map[place]manifest.Object{}
	var errs []error
	add := func(object manifest.Object, phases ...hook.Phase) {
		key := object.Key()
		if key.Namespace == "" {
			key.Namespace = namespace
		}
		for _, phase := range phases {
			if first, found := seen[place{key, phase}]; found {
				errs = append(errs, &InputError{Object: object, Message: "duplicate, first defined at " + strings.TrimSuffix(first.Position(), ": ")})
				return
			}
		}
		for _, phase := range phases {
			seen[place{key, phase}] = object
		}
	}
	for _, object := range c.regular {
		// A regular object is there at every phase.
		add(object, append(hook.Phases(), "")...)
	}
	for _, h := range c.hooks {
		if h.Object.GetName() != "" {
			add(h.Object, h.Phase)
		}
	}
	return errs
}

// Check reports what New would find wrong with a manifest without knowing any cluster.
func Check(nodes []*yaml.RNode, namespace string) error {
	content, err := read(nodes)
	if err != nil {
		return err
	}
	return joinUnique(append(content.contradictions, content.check(namespace), content.checkCRDFolder()))
}

// joinUnique joins errors, each message once: a hook that runs at two phases is checked twice.
func joinUnique(errs []error) error {
	seen := map[string]bool{}
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool {
		if err == nil || seen[err.Error()] {
			return true
		}
		seen[err.Error()] = true
		return false
	})...)
}

// InputError is something in the pack that can never work, found while planning. Nothing was written.
type InputError struct {
	// Object is where it stands.
	Object  manifest.Object
	Message string
	// Line is the line that is wrong; 0 means the first one of the object.
	Line int
}

// Error returns "file:line: Kind/name: message".
func (e *InputError) Error() string {
	return manifest.Position(e.Object.File, cmp.Or(e.Line, e.Object.Line)) + e.Object.Title() + ": " + e.Message
}

// recreatePolicy is the policy of objects that are deleted and recreated when they cannot be changed in place.
const recreatePolicy = "recreate"

// MayBeRecreated reports whether an object says that it may be deleted and recreated where it cannot be changed in place.
func MayBeRecreated(object manifest.Object) bool {
	return object.GetAnnotations()[hook.OnImmutableAnnotation] == recreatePolicy
}

// helmsResourcePolicy is Helm's annotation to keep an object.
const helmsResourcePolicy = "helm.sh/resource-policy"

// checkAnnotations refuses values of our annotations that say nothing. node is what the object was read from.
func checkAnnotations(node *yaml.RNode, object manifest.Object) error {
	var errs []error
	annotations := object.GetAnnotations()
	for _, key := range []string{hook.ReadyWhenAnnotation, hook.FailedWhenAnnotation} {
		if value, found := annotations[key]; found {
			if _, err := health.ParseConditions(value); err != nil {
				errs = append(errs, wrong(node, object, key, err.Error()+
					`; valid forms: condition=NAME[=VALUE], jsonpath='{PATH}'[=VALUE], create, delete, joined by ";"`))
			}
		}
	}
	for _, only := range [][2]string{{hook.ResourcePolicy, keepPolicy}, {hook.OnImmutableAnnotation, recreatePolicy}} {
		key, valid := only[0], only[1]
		if value, found := annotations[key]; found && value != valid {
			errs = append(errs, wrong(node, object, key, fmt.Sprintf("unknown value %q; valid: %s", value, valid)))
		}
	}
	return errors.Join(errs...)
}

// checkKept refuses a hook that is to be kept and has a delete policy of ours. Charts say both to Helm, where the one is about
// the next run of the hook and the other about the end of the release; this is honoured.
func checkKept(node *yaml.RNode, object manifest.Object) error {
	annotations := object.GetAnnotations()
	if _, given := annotations[hook.DeletePolicyAnnotation]; !given || !IsKept(object) {
		return nil
	}
	key := hook.ResourcePolicy
	if annotations[key] != keepPolicy {
		key = helmsResourcePolicy
	}
	return wrong(node, object, key, fmt.Sprintf("a hook that is kept cannot have %s; remove one of the two", hook.DeletePolicyAnnotation))
}

// wrong is an annotation that is wrong, at its own line.
func wrong(node *yaml.RNode, object manifest.Object, key, message string) error {
	return &InputError{Object: object, Message: key + ": " + message, Line: hook.Line(node, key)}
}

// NeverEnds says why the hook cannot come to an end by itself; "" where it can.
func (h Hook) NeverEnds() string {
	annotations := h.Object.GetAnnotations()
	if h.Object.GroupKind() != (schema.GroupKind{Kind: "Pod"}) || annotations[hook.ReadyWhenAnnotation] != "" {
		return ""
	}
	spec, _ := h.Object.Object["spec"].(map[string]any)
	if policy := spec["restartPolicy"]; policy != nil && policy != "" && policy != "Always" {
		return ""
	}
	return "its restartPolicy is Always, so it never ends: set it to Never or OnFailure, or say with " + hook.ReadyWhenAnnotation + " when it is done"
}

// encodeStringData turns the stringData of a Secret into data, as the API server does when it stores one. Server-side apply
// neither removes what leaves stringData, which would keep a revoked credential alive, nor notices that somebody else has
// changed it. What is no stringData stays as it is, so that the API server refuses it by name.
func encodeStringData(object manifest.Object) {
	if gvk := object.GroupVersionKind(); gvk.Group != "" || gvk.Kind != "Secret" {
		return
	}
	given, isMap := object.Object["stringData"].(map[string]any)
	data, hasData := object.Object["data"].(map[string]any)
	if !isMap && object.Object["stringData"] != nil || !hasData && object.Object["data"] != nil {
		return
	}
	data = maps.Clone(data)
	if data == nil {
		data = map[string]any{}
	}
	for key, value := range given {
		// Null is an empty text.
		text, isText := value.(string)
		if !isText && value != nil {
			return
		}
		data[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	if delete(object.Object, "stringData"); len(data) > 0 {
		object.Object["data"] = data
	}
}
