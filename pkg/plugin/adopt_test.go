package plugin

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// helmHas are records that Helm finds: each is a number and a status.
func helmHas(records ...any) []release.HelmRecord {
	var found []release.HelmRecord
	for i := 0; i < len(records); i += 2 {
		number, _ := records[i].(int)
		found = append(found, release.HelmRecord{Name: "shop", Revision: number, Status: fmt.Sprint(records[i+1])})
	}
	return found
}

// What was uninstalled is no release that is adopted with all others.
func TestReleasesThatHelmHasUninstalledAreNotAmongThoseToAdopt(t *testing.T) {
	t.Parallel()
	records := helmHas(1, "superseded", 2, "deployed", 1, "superseded", 2, "uninstalled", 1, "failed")
	for i, name := range []string{"deployed", "deployed", "removed", "removed", "troubled"} {
		records[i].Name = name
	}
	if diff := cmp.Diff([]string{"deployed", "troubled"}, namesOf(records)); diff != "" {
		t.Error(diff)
	}
}

// A release that changed hands halfway is no longer what the record says where Helm has gone on with it.
func TestAReleaseThatHelmHasChangedMeanwhileIsRefused(t *testing.T) {
	t.Parallel()
	// adopting is the adoption of Helm's revision 3, giving what is given to Helm as one more revision, and returning what Helm had.
	adopting := release.New("shop", "web", 9)
	adopting.Spec.FromHelm = 3
	giving := release.New("shop", "web", 9)
	giving.Status.ToHelm = 4
	returning := adopting.Clone()
	returning.Status.ToHelm = 3
	// Both commands were cut short: what Helm finds is not in the record any more.
	twice := release.New("shop", "web", 9)
	for title, row := range map[string]struct {
		release *release.Release
		records []release.HelmRecord
		force   bool
		// overtaken is the revision that is named; 0 is none.
		overtaken int
	}{
		"an adoption is cut short before it hides anything": {release: adopting, records: helmHas(2, "superseded", 3, "deployed")},
		"after it has hidden some":                          {release: adopting, records: helmHas(3, "deployed")},
		"after it has hidden all":                           {release: adopting},
		"a newer one had failed before":                     {release: adopting, records: helmHas(3, "deployed", 4, "failed")},
		"a newer one is pending, and not to be waited for":  {release: adopting, records: helmHas(3, "deployed", 4, "pending-upgrade"), force: true},
		"Helm works on a newer one":                         {release: adopting, records: helmHas(3, "deployed", 4, "pending-upgrade"), overtaken: 4},
		"Helm has deployed a newer one":                     {release: adopting, records: helmHas(4, "deployed"), force: true, overtaken: 4},
		"Helm uninstalls it":                                {release: adopting, records: helmHas(3, "uninstalling"), force: true, overtaken: 3},
		"a handover is cut short before Helm has anything":  {release: giving},
		"after Helm has it":                                 {release: giving, records: helmHas(3, "superseded", 4, "deployed")},
		"Helm has upgraded what it was given":               {release: giving, records: helmHas(4, "superseded", 5, "deployed"), overtaken: 4},
		"Helm has failed to upgrade what it was given":      {release: giving, records: helmHas(4, "deployed", 5, "failed"), overtaken: 5},
		"Helm has what it had":                              {release: returning, records: helmHas(3, "deployed", 4, "failed")},
		"Helm has upgraded what it had":                     {release: returning, records: helmHas(3, "superseded", 4, "failed", 5, "deployed"), overtaken: 3},
		"both are cut short":                                {release: twice, records: helmHas(4, "deployed")},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			err := checkOvertaken(row.release, row.records, row.force)
			overtaken, refused := err.(*overtakenError) //nolint:errorlint // It is returned as it is.
			if refused != (row.overtaken != 0) || refused && overtaken.since.Revision != row.overtaken {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
