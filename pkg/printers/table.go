package printers

import (
	"cmp"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Table returns releases as the table that `list` prints, in their order. Columns of priority 1 show with -o wide only.
func Table(releases release.History, now time.Time) *metav1.Table {
	table := &metav1.Table{
		TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "Table"},
		ColumnDefinitions: []metav1.TableColumnDefinition{
			{Name: "Name", Type: "string", Format: "name"},
			{Name: "Revision", Type: "integer"},
			{Name: "Status", Type: "string"},
			{Name: "Pack", Type: "string"},
			{Name: "App Version", Type: "string"},
			{Name: "Updated", Type: "string"},
			{Name: "Message", Type: "string", Priority: 1},
		},
	}
	for _, r := range releases {
		updated := "<unknown>"
		if moment := cmp.Or(r.Status.FinishedAt, r.Status.StartedAt); moment != nil {
			updated = age(moment.Time, now)
		}
		table.Rows = append(table.Rows, metav1.TableRow{
			Cells: []any{
				r.Name, int64(r.Spec.Revision), string(r.Status.Phase), line(r.Spec.Pack.String()), line(r.Spec.Pack.AppVersion),
				updated, line(r.Status.Message),
			},
			Object: runtime.RawExtension{Object: &metav1.PartialObjectMetadata{ObjectMeta: r.ObjectMeta}},
		})
	}
	return table
}
