package plan

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Handover is an object that changes hands: its marks, and with them who manages its fields.
type Handover struct {
	Entry release.Entry
	// Labels and Annotations are set, or removed where they are nil.
	Labels, Annotations map[string]*string
	// Beside says that it is a definition that Helm has applied beside its manifest, and that nothing else has been applied to since:
	// the release can do without it, and what it says of who manages it stays.
	Beside bool
}

// HelmManagedBy is the value of LabelManagedBy on the objects of Helm's releases.
const HelmManagedBy = "Helm"

// Adopt plans to take a release over from Helm. request.Release is the revision that does so, with what Helm has rendered as
// request.Nodes; one that was begun before continues with the inventory that was recorded. definitions are what Helm has applied
// beside its manifest. records are those that Helm keeps of the release, and finds no more afterwards.
//
// Nothing is applied: objects stay as they are, whatever has become of them since Helm applied them.
func Adopt(request Request, definitions []*yaml.RNode, records []release.HelmRecord) (Plan, error) {
	rendered, err := read(request.Nodes)
	if err != nil {
		return Plan{}, err
	}
	beside, err := read(definitions)
	if err != nil {
		return Plan{}, err
	}
	if err := joinUnique([]error{rendered.prepare(request), beside.prepare(request), rendered.check(request.Release.Namespace)}); err != nil {
		return Plan{}, err
	}
	r := request.Release.Clone()
	isBeside := rendered.besides(r)
	rendered.regular = append(rendered.regular, beside.regular...)
	if r.ResourceVersion == "" {
		r.Inventory = inventory(rendered, Request{Operation: release.OperationAdopt, Release: r})
	}
	r.Status.ToHelm = 0
	objects, own := rendered.byKey(), OwnerOf(r)
	step := Step{Action: HandOver}
	for _, entry := range r.Inventory {
		step.Handovers = append(step.Handovers, own.take(entry, objects[entry.Key()]).keepingManager(isBeside(entry)))
	}
	records = slices.Clone(records)
	for i := range records {
		records[i].Aside = true
	}
	return changesHands(release.OperationAdopt, r, request, step, records), nil
}

// Give plans to give a release to Helm: request.Release is its newest revision. records are what Helm finds afterwards, and
// revision is the number of the one that is deployed then.
func Give(request Request, records []release.HelmRecord, revision int) (Plan, error) {
	rendered, err := read(request.Nodes)
	if err != nil {
		return Plan{}, err
	}
	before := rendered.managedBy()
	if err := rendered.prepare(request); err != nil {
		return Plan{}, err
	}
	r := request.Release.Clone()
	r.Status.ToHelm = revision
	objects, own, isBeside := rendered.byKey(), OwnerOf(r), rendered.besides(r)
	step := Step{Action: HandOver}
	for _, entry := range r.Inventory {
		if entry.UID != "" {
			object := objects[entry.Key()]
			step.Handovers = append(step.Handovers, own.give(entry, object, before[object.Unstructured]).keepingManager(isBeside(entry)))
		}
	}
	return changesHands(release.OperationHandover, r, request, step, records), nil
}

// changesHands is the plan of an operation that hands objects over. Helm finds the release only while all of them are its own, so
// that nobody upgrades it meanwhile.
func changesHands(operation release.Operation, r *release.Release, request Request, step Step, records []release.HelmRecord) Plan {
	steps := []Step{step, {Action: WriteHelm, ChangeOfHands: ChangeOfHands{Records: records}}}
	if operation == release.OperationAdopt {
		slices.Reverse(steps)
	}
	return Plan{Operation: operation, Release: r, Options: request.Options, History: request.History, Steps: steps}
}

// byKey finds the objects of the manifest, a hook of several phases as it is at the first of them.
func (c *content) byKey() map[kinds.Key]manifest.Object {
	objects := map[kinds.Key]manifest.Object{}
	for _, object := range c.objects() {
		if _, known := objects[object.Key()]; !known {
			objects[object.Key()] = object
		}
	}
	return objects
}

// besides tells the definitions on an inventory that Helm has applied beside the manifest: the revision that takes a release over has
// them on its inventory only.
func (c *content) besides(r *release.Release) func(release.Entry) bool {
	rendered := c.keys()
	return func(entry release.Entry) bool {
		return r.Spec.FromHelm != 0 && kinds.IsDefinition(entry.GroupKind()) && !rendered[entry.Key()]
	}
}

// keepingManager leaves alone what a definition beside the manifest says of who manages it: the file of the chart may say it.
func (h Handover) keepingManager(beside bool) Handover {
	if h.Beside = beside; beside {
		delete(h.Labels, LabelManagedBy)
	}
	return h
}

// managedBy is what the manifest itself says in LabelManagedBy; nil where it says nothing.
func (c *content) managedBy() map[*unstructured.Unstructured]*string {
	said := map[*unstructured.Unstructured]*string{}
	for _, object := range c.objects() {
		if value, given := object.GetLabels()[LabelManagedBy]; given {
			said[object.Unstructured] = &value
		}
	}
	return said
}

// take gives an object our marks in place of Helm's. object is as it is planned; one that is not in the manifest has nothing.
func (o Owner) take(entry release.Entry, object manifest.Object) Handover {
	if object.Unstructured == nil {
		object.Unstructured = &unstructured.Unstructured{Object: map[string]any{}}
		o.mark(object, hook.Phase(cmp.Or(append(slices.Clone(entry.Phases), "")...)), nil)
	}
	taken := Handover{Entry: entry, Labels: map[string]*string{}, Annotations: map[string]*string{AnnotationHelmRelease: nil, AnnotationHelmNamespace: nil}}
	labels, annotations := object.GetLabels(), object.GetAnnotations()
	for _, key := range []string{LabelManagedBy, LabelRelease} {
		taken.Labels[key] = ptr.To(labels[key])
	}
	for _, key := range []string{AnnotationRelease, AnnotationNamespace, AnnotationPhase} {
		if value, marked := annotations[key]; marked {
			taken.Annotations[key] = &value
		}
	}
	return taken
}

// give gives an object Helm's marks in place of ours. Helm puts none on hooks, nor on what a chart has in crds/: these have what
// the manifest says. managedBy is that; nil is nothing.
func (o Owner) give(entry release.Entry, object manifest.Object, managedBy *string) Handover {
	given := Handover{Entry: entry, Labels: map[string]*string{LabelManagedBy: managedBy, LabelRelease: nil}, Annotations: map[string]*string{}}
	for _, key := range []string{AnnotationRelease, AnnotationNamespace, AnnotationPhase, AnnotationRun, AnnotationHash} {
		given.Annotations[key] = nil
	}
	if object.Unstructured != nil && entry.Role == release.Regular && !isBesideManifest(object) {
		given.Labels[LabelManagedBy] = ptr.To(HelmManagedBy)
		given.Annotations[AnnotationHelmRelease], given.Annotations[AnnotationHelmNamespace] = &o.Name, &o.Namespace
	}
	return given
}

// NotHelms reports that an object of Helm's release has the marks of another one, as a phrase; "" where it has those of this
// release, Helm's or ours, or none.
func (o Owner) NotHelms(labels, annotations map[string]string) string {
	found := &unstructured.Unstructured{Object: map[string]any{}}
	found.SetLabels(labels)
	found.SetAnnotations(annotations)
	helm, name := HelmRelease(annotations), annotations[AnnotationRelease]
	if helm != "" && helm != o.Namespace+"/"+o.Name || name != "" && !o.Named(found) {
		return o.HolderPhrase(found)
	}
	return ""
}
