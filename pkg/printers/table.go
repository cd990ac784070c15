package printers

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Table returns releases as the table that `list` prints, in their order. Columns of priority 1 show with -o wide only.
func Table(releases release.History, now time.Time) *metav1.Table {
	columns := []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name"},
		{Name: "Revision", Type: "integer"},
		{Name: "Status", Type: "string"},
		{Name: "Pack", Type: "string"},
		{Name: "App Version", Type: "string"},
		{Name: "Updated", Type: "string"},
		{Name: "Message", Type: "string", Priority: 1},
	}
	return table(columns, releases, func(r *release.Release) []any {
		return []any{
			Line(r.Name), int64(r.Spec.Revision), Line(phase(r)), Line(r.Spec.Pack.String()), Line(r.Spec.Pack.AppVersion),
			updated(r, now), Line(r.ShortMessage()),
		}
	})
}

// HistoryTable returns the revisions of one release as the table that `history` prints, in their order. Columns of
// priority 1 show with -o wide only.
func HistoryTable(revisions release.History, now time.Time) *metav1.Table {
	columns := []metav1.TableColumnDefinition{
		{Name: "Revision", Type: "integer"},
		{Name: "Updated", Type: "string"},
		{Name: "Status", Type: "string"},
		{Name: "Pack", Type: "string"},
		{Name: "App Version", Type: "string"},
		{Name: "From Revision", Type: "string", Priority: 1},
		{Name: "Description", Type: "string"},
		{Name: "User", Type: "string", Priority: 1},
		{Name: "Host", Type: "string", Priority: 1},
		{Name: "Run", Type: "string", Priority: 1},
		{Name: "Commit", Type: "string", Priority: 1},
		{Name: "Pack Digest", Type: "string", Priority: 1},
	}
	return table(columns, revisions, func(r *release.Release) []any {
		made := ptr.Deref(r.Spec.Provenance, release.Provenance{})
		from := "<none>"
		switch {
		case r.Spec.FromRevision != 0:
			from = strconv.Itoa(r.Spec.FromRevision)
		case r.Spec.FromHelm != 0:
			from = fmt.Sprintf("Helm's %d", r.Spec.FromHelm)
		}
		return []any{
			int64(r.Spec.Revision), updated(r, now), Line(phase(r)), Line(r.Spec.Pack.String()), Line(r.Spec.Pack.AppVersion),
			from, Line(r.Description()), known(made.User), known(made.Host), Line(cmp.Or(made.Run, "<none>")), commit(made), known(short(made.Digest, len("sha256:")+shortID)),
		}
	})
}

// known shows what a record may not have.
func known(text string) string { return Line(cmp.Or(text, "<unknown>")) }

// shortID is how many characters of a commit or digest are shown.
const shortID = 12

func short(id string, most int) string { return id[:min(len(id), most)] }

// commit shows the commit that a revision was made from: 0123456789ab, or 0123456789ab+dirty.
func commit(from release.Provenance) string {
	text := short(from.Commit, shortID)
	if from.Dirty && text != "" {
		text += "+dirty"
	}
	return Line(cmp.Or(text, "<none>"))
}

// table makes a row of each release.
func table(columns []metav1.TableColumnDefinition, releases release.History, cells func(*release.Release) []any) *metav1.Table {
	table := &metav1.Table{
		TypeMeta:          metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "Table"},
		ColumnDefinitions: columns,
	}
	for _, r := range releases {
		table.Rows = append(table.Rows, metav1.TableRow{
			Cells: cells(r), Object: runtime.RawExtension{Object: &metav1.PartialObjectMetadata{ObjectMeta: r.ObjectMeta}},
		})
	}
	return table
}

// Summary says of a release or a revision, in one line, how far it got, when, and from which pack, as far as that is known:
// deployed 3d ago, shop-1.2.0.
func Summary(r *release.Release, now time.Time) string {
	text := phase(r)
	if moment := cmp.Or(r.Status.FinishedAt, r.Status.StartedAt); moment != nil {
		text += " " + age(moment.Time, now) + " ago"
	}
	if r.Spec.Pack.Name != "" {
		text += ", " + r.Spec.Pack.String()
	}
	return Line(text)
}

// updated is how long ago a revision was last worked on.
func updated(r *release.Release, now time.Time) string {
	if moment := cmp.Or(r.Status.FinishedAt, r.Status.StartedAt); moment != nil {
		return age(moment.Time, now)
	}
	return "<unknown>"
}
