package lint

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// APIs is what a cluster serves, as far as it is known.
type APIs struct {
	// Version is that of the cluster.
	Version *version.Version
	// Scheme has the kinds of Kubernetes as they were compiled in. They tell since when and until when they are served.
	Scheme *runtime.Scheme
	// Compiled is the version that Scheme is of.
	Compiled *version.Version
	// Served is what the cluster says that it serves, as in apps/v1 and apps/v1/Deployment; nil where it was not asked.
	Served []string
}

// Names returns what is served, as in apps/v1 and apps/v1/Deployment, sorted: what the cluster says or, where it was not asked,
// the kinds of Kubernetes that its version serves.
func (a APIs) Names() []string {
	if a.Served != nil {
		return a.Served
	}
	var names []string
	for gvk := range a.Scheme.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal || a.lifeOf(gvk).isOver(a.Version) || a.lifeOf(gvk).isToCome(a.Version) {
			continue
		}
		names = append(names, gvk.GroupVersion().String(), nameOf(gvk))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func nameOf(gvk schema.GroupVersionKind) string { return gvk.GroupVersion().String() + "/" + gvk.Kind }

// check looks at the kind of a resource.
func (a APIs) check(r resource, all []resource) []Finding {
	gvk := r.object.GroupVersionKind()
	life := a.lifeOf(gvk)
	switch {
	case defines(all, gvk.GroupKind()):
	case a.Served != nil && !slices.Contains(a.Served, nameOf(gvk)):
		return []Finding{r.at(Error, RuleNotServed, fmt.Sprintf("the server does not serve %s%s", nameOf(gvk), a.instead(gvk)))}
	case a.Served == nil && life.isOver(a.Version):
		return []Finding{r.at(Error, RuleNotServed, fmt.Sprintf("%s is not served since Kubernetes %s%s", nameOf(gvk), life.removed, a.instead(gvk)))}
	case a.Served == nil && life.isToCome(a.Version):
		return []Finding{r.at(Error, RuleNotServed, fmt.Sprintf("%s is served since Kubernetes %s only%s", nameOf(gvk), life.introduced, a.instead(gvk)))}
	case a.Served == nil && a.isUnknown(gvk):
		return []Finding{r.at(a.unknown(), RuleNotServed, fmt.Sprintf("Kubernetes has no %s%s", nameOf(gvk), a.instead(gvk)))}
	case life.isEnding(a.Version):
		until := ""
		if life.removed != nil {
			until = fmt.Sprintf(" and not served from %s on", life.removed)
		}
		return []Finding{r.at(Warning, RuleDeprecated, fmt.Sprintf("%s is deprecated since Kubernetes %s%s%s", nameOf(gvk), life.deprecated, until, a.instead(gvk)))}
	}
	return nil
}

// isUnknown reports whether a kind is in a group of Kubernetes and none of its kinds.
func (a APIs) isUnknown(gvk schema.GroupVersionKind) bool {
	return a.Scheme.IsGroupRegistered(gvk.Group) && !a.Scheme.Recognizes(gvk)
}

// unknown is how bad it is that a kind is not known: a newer Kubernetes may have it.
func (a APIs) unknown() Severity {
	if a.Compiled.LessThan(a.Version) {
		return Warning
	}
	return Error
}

// defines reports whether the pack brings the definition of a kind.
func defines(all []resource, kind schema.GroupKind) bool {
	return slices.ContainsFunc(all, func(r resource) bool {
		if !kinds.IsDefinition(r.object.GroupKind()) {
			return false
		}
		group, _ := r.node.GetString("spec.group")
		name, _ := r.node.GetString("spec.names.kind")
		return group == kind.Group && name == kind.Kind
	})
}

// instead says which version to use, "" where none is known.
func (a APIs) instead(gvk schema.GroupVersionKind) string {
	if next := a.lifeOf(gvk).replacement; !next.Empty() && next.GroupKind() != gvk.GroupKind() {
		return "; use " + nameOf(next)
	}
	var others []string
	for _, name := range a.Names() {
		groupVersion, isKind := strings.CutSuffix(name, "/"+gvk.Kind)
		if gv, err := schema.ParseGroupVersion(groupVersion); isKind && err == nil && gv.Group == gvk.Group && gv.Version != gvk.Version {
			others = append(others, name)
		}
	}
	if len(others) == 0 {
		return ""
	}
	return "; use " + strings.Join(others, " or ")
}

// life is since when and until when a kind is served. What is nil is not known, or will not be.
type life struct {
	introduced, deprecated, removed *version.Version
	replacement                     schema.GroupVersionKind
}

func (l life) isToCome(at *version.Version) bool {
	return l.introduced != nil && minor(at).LessThan(l.introduced)
}

func (l life) isEnding(at *version.Version) bool {
	return l.deprecated != nil && minor(at).AtLeast(l.deprecated)
}

func (l life) isOver(at *version.Version) bool {
	return l.removed != nil && minor(at).AtLeast(l.removed)
}

// minor is a version without what follows its minor number, such as that of a pre-release.
func minor(of *version.Version) *version.Version { return version.MajorMinor(of.Major(), of.Minor()) }

// lifeOf reads what the types of Kubernetes say of themselves.
func (a APIs) lifeOf(gvk schema.GroupVersionKind) life {
	object, err := a.Scheme.New(gvk)
	if err != nil {
		return life{}
	}
	var found life
	if says, ok := object.(interface{ APILifecycleIntroduced() (major, minor int) }); ok {
		found.introduced = kubernetes(says.APILifecycleIntroduced())
	}
	if says, ok := object.(interface{ APILifecycleDeprecated() (major, minor int) }); ok {
		found.deprecated = kubernetes(says.APILifecycleDeprecated())
	}
	if says, ok := object.(interface{ APILifecycleRemoved() (major, minor int) }); ok {
		found.removed = kubernetes(says.APILifecycleRemoved())
	}
	if says, ok := object.(interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}); ok {
		found.replacement = says.APILifecycleReplacement()
	}
	return found
}

// kubernetes is a version of Kubernetes; nil for none.
func kubernetes(major, minor int) *version.Version {
	if major <= 0 {
		return nil
	}
	return version.MajorMinor(uint(major), uint(minor))
}
