// Package release holds the record of one revision of a release: what was rendered, what it may own on the cluster,
// and how far it got. It is stored per revision, and shown as an object of kind Release.
package release

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// The identity of the shown object.
const (
	APIVersion = "sherpack.io/v1alpha1"
	Kind       = "Release"
)

// FormatVersion is the version of the stored form that this program writes. A record of a newer one is refused.
const FormatVersion = 1

// MaxNameLength is how many characters the name of a release may have: it leaves room for the suffixes that charts commonly append to a release's name.
const MaxNameLength = 53

// Phase is how far a revision got. It is called status by Helm's users.
type Phase string

// The phases of a revision.
const (
	PendingInstall  Phase = "pending-install"
	PendingUpgrade  Phase = "pending-upgrade"
	PendingRollback Phase = "pending-rollback"
	Deployed        Phase = "deployed"
	Superseded      Phase = "superseded"
	Failed          Phase = "failed"
	Uninstalling    Phase = "uninstalling"
	Uninstalled     Phase = "uninstalled"
)

// Pending reports whether an operation is under way, or was interrupted without a record of its end.
func (p Phase) Pending() bool { return strings.HasPrefix(string(p), "pending-") || p == Uninstalling }

// Known reports whether this program writes the phase.
func (p Phase) Known() bool {
	switch p {
	case PendingInstall, PendingUpgrade, PendingRollback, Deployed, Superseded, Failed, Uninstalling, Uninstalled:
		return true
	}
	return false
}

// Release is one revision of a release. UID and ResourceVersion in its metadata are those of the stored head; both are
// empty before it is stored.
type Release struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              Spec   `json:"spec"`
	Status            Status `json:"status"`
	// Content is what was rendered; it is not part of the shown object.
	Content Content `json:"-"`
	// Inventory is all that the release may own. The shown object has it under status.resources.
	Inventory []Entry `json:"-"`
	// Former is what the provisional entries of the inventory were before they were adopted.
	Former []Former `json:"-"`
	// Record is the store's own note of where it keeps the revision; empty before it is stored.
	Record Record `json:"-"`
}

// Record says where a store keeps a revision.
type Record struct {
	// Run is the run of the program that created it.
	Run string
	// Inventory are the versions of the parts that the inventory was created with, as they were last read or written; empty
	// for a part that cannot be read.
	Inventory []string
	// Former is how many parts say what adopted objects were.
	Former int
	// Damage says what of the stored revision cannot be read.
	Damage Damage
}

// Spec is what was asked for.
type Spec struct {
	// Revision counts from 1 and is never used twice.
	Revision int `json:"revision"`
	// Pack names the pack that was rendered.
	Pack Pack `json:"pack"`
	// FromRevision is the revision whose manifest a rollback restored; 0 for all others.
	FromRevision int `json:"fromRevision,omitempty"`
	// FromHelm is the number of the revision of Helm that this one took over; 0 for all others.
	FromHelm int `json:"fromHelm,omitempty"`
	// Description is what the user said about the revision; empty where nothing was said. A store may cut it after 1 KiB.
	Description string `json:"description,omitempty"`
	// Provenance says who made the revision, and from what; nil in records of earlier versions.
	Provenance *Provenance `json:"provenance,omitempty"`
}

// Pack names a pack: the part of its metadata that lists show.
type Pack struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	AppVersion string `json:"appVersion,omitempty"`
}

// String returns name and version as one word: shop-1.2.0.
func (p Pack) String() string { return p.Name + "-" + p.Version }

// Content is what a revision was rendered to. It never changes.
type Content struct {
	// Manifest is the YAML stream of all objects, hooks included, as manifest.Encode writes it.
	Manifest string `json:"manifest"`
	// Values are those the user gave, without the pack's defaults; nil where none were given.
	Values map[string]any `json:"values,omitempty"`
	// Merged are all values that the pack was rendered with, its defaults included.
	Merged map[string]any `json:"merged,omitempty"`
	// Origins say where each of Merged comes from. A record of an earlier version of this program has none, nor has one of a
	// great many values; see ValueOrigins.
	Origins []pack.Origin `json:"origins,omitempty"`
	// Notes are the rendered notes; empty where the pack has none.
	Notes string `json:"notes,omitempty"`
	// Pack is the metadata of the pack.
	Pack pack.Metadata `json:"pack"`
	// Chart says that the pack is a Helm chart; it is false in records of versions that knew none.
	Chart bool `json:"chart,omitempty"`
}

// Status is how far a revision got: the part of the record that changes while an operation runs.
type Status struct {
	Phase Phase `json:"phase"`
	// Operation is install, upgrade, rollback or uninstall: what last worked on this revision.
	Operation Operation `json:"operation,omitempty"`
	// Message says in one sentence why the revision is in its phase; empty where the phase says it all.
	Message string `json:"message,omitempty"`
	// Cause says the same in a few words, as lists show it: pre-upgrade/migrate: exit code 3. It may be empty where there is a message.
	Cause      string             `json:"cause,omitempty"`
	StartedAt  *metav1.Time       `json:"startedAt,omitempty"`
	FinishedAt *metav1.Time       `json:"finishedAt,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Interrupted is the operation that was cut short by a signal, or by the end of its process; empty where none was.
	Interrupted Operation `json:"interrupted,omitempty"`
	// ToHelm is the number of the revision of Helm that a handover makes of this one, from its beginning to its end; 0 at all other
	// times.
	ToHelm int `json:"toHelm,omitempty"`
	// Before is what was said before an uninstallation, as long as that has deleted nothing; nil at all other times.
	Before *Past `json:"before,omitempty"`
	// Hooks are in the order in which they run.
	Hooks []Hook `json:"hooks,omitempty"`
	// Timeline is what the operation has done, in the order of the beginnings. It is written with the records of hooks and at the
	// end, so that one that was cut short may have come further. It is empty in records of earlier versions.
	Timeline []Span `json:"timeline,omitempty"`
	// Changes are what the operation has done to objects, those of attempts included that were cut short. They are written
	// together with Timeline, and are empty in records of earlier versions, which count objects in Timeline alone.
	Changes Changes `json:"changes,omitempty"`
	// DeployedRevision and Resources are part of the shown object only, see Shown; they are not stored.
	DeployedRevision int        `json:"deployedRevision,omitempty"`
	Resources        []Resource `json:"resources,omitempty"`
	// Writer is the run that wrote this last and Seq counts its writes, so that a run whose answer was lost can tell
	// its own write from another's.
	Writer string `json:"writer,omitempty"`
	Seq    int64  `json:"seq,omitempty"`
}

// Past is what a status said before an operation began.
type Past struct {
	Phase      Phase        `json:"phase"`
	Operation  Operation    `json:"operation,omitempty"`
	Message    string       `json:"message,omitempty"`
	Cause      string       `json:"cause,omitempty"`
	StartedAt  *metav1.Time `json:"startedAt,omitempty"`
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	Timeline   []Span       `json:"timeline,omitempty"`
	Changes    Changes      `json:"changes,omitempty"`
}

// Remember keeps what the status says, for Restore.
func (s *Status) Remember() {
	s.Before = &Past{s.Phase, s.Operation, s.Message, s.Cause, s.StartedAt, s.FinishedAt, s.Timeline, s.Changes}
}

// Restore says again what the status said when it was told to remember, and reports whether it was. A phase that was
// pending is now failed, because nobody works on it any more.
func (s *Status) Restore() bool {
	past := s.Before
	if past == nil {
		return false
	}
	s.Phase, s.Operation, s.StartedAt, s.FinishedAt = past.Phase, past.Operation, past.StartedAt, past.FinishedAt
	s.Message, s.Cause, s.Timeline, s.Changes = past.Message, past.Cause, past.Timeline, past.Changes
	s.Before = nil
	if s.Phase.Pending() {
		s.Phase = Failed
	}
	return true
}

// New returns the first record of a revision, before anything was done.
func New(name, namespace string, revision int) *Release {
	return &Release{
		TypeMeta:   metav1.TypeMeta{APIVersion: APIVersion, Kind: Kind},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec:       Spec{Revision: revision},
	}
}

// Clone returns a copy whose status, inventory and notes of adopted objects may be written; what was rendered, which never
// changes, is shared.
func (r *Release) Clone() *Release {
	clone := *r
	clone.Status.Conditions, clone.Status.Hooks = slices.Clone(r.Status.Conditions), slices.Clone(r.Status.Hooks)
	clone.Status.Timeline, clone.Status.Changes = slices.Clone(r.Status.Timeline), r.Status.Changes.Clone()
	clone.Inventory, clone.Former = slices.Clone(r.Inventory), slices.Clone(r.Former)
	clone.Record.Inventory = slices.Clone(r.Record.Inventory)
	return &clone
}

// Shown returns the release as it is printed: with the revision that is deployed (0 where none is), and with those of
// its inventory that were seen on the cluster. The receiver is not changed.
func (r *Release) Shown(deployedRevision int) *Release {
	shown := *r
	shown.Status.DeployedRevision, shown.Status.Resources = deployedRevision, nil
	for _, entry := range r.Inventory {
		if entry.UID != "" {
			shown.Status.Resources = append(shown.Status.Resources, entry.Resource())
		}
	}
	return &shown
}

// CheckName refuses a name that is no DNS label of at most 53 characters.
func CheckName(name string) error {
	if len(name) > MaxNameLength {
		return fmt.Errorf("release name %q: has %d characters, at most %d are allowed", name, len(name), MaxNameLength)
	}
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
		return fmt.Errorf("release name %q: %s", name, strings.Join(problems, "; "))
	}
	return nil
}

// SetCondition records whether the revision stands on the cluster, with the phase as reason.
func (r *Release) SetCondition(now metav1.Time) {
	condition := metav1.Condition{
		Type: "Deployed", Status: metav1.ConditionFalse, Reason: conditionReason(r.Status.Phase),
		Message: r.Status.Message, LastTransitionTime: now, ObservedGeneration: int64(r.Spec.Revision),
	}
	switch {
	case r.Status.Phase == Deployed:
		condition.Status = metav1.ConditionTrue
	case r.Status.Phase.Pending():
		condition.Status = metav1.ConditionUnknown
	}
	if len(r.Status.Conditions) > 0 && r.Status.Conditions[0].Status == condition.Status {
		condition.LastTransitionTime = r.Status.Conditions[0].LastTransitionTime
	}
	r.Status.Conditions = []metav1.Condition{condition}
}

// conditionReason writes a phase in CamelCase, as the reasons of conditions are.
func conditionReason(phase Phase) string {
	var reason strings.Builder
	for word := range strings.SplitSeq(string(phase), "-") {
		reason.WriteString(words.Capital(word))
	}
	return reason.String()
}
