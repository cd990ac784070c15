package release

import "fmt"

// HelmRecord is a revision as Helm keeps it, in a Secret.
type HelmRecord struct {
	Namespace, Name string
	// Revision is Helm's number of it.
	Revision int
	// Status is Helm's word for how far the revision got.
	Status string
	// Aside says that the Secret is one that Helm does not find: this program has taken the release over.
	Aside bool
	// Labels are those that Helm's user has given the release; nil where they were not read, or are to stay as they are.
	Labels map[string]string
	// Data is what the Secret holds, as Helm encodes it; nil where that was not read, or is to stay as it is.
	Data []byte
}

// MaxHelmRecord is how many bytes a record of Helm's may have: it is one Secret.
const MaxHelmRecord = 1 << 20

// Secret is the name of the Secret.
func (r HelmRecord) Secret() string {
	return fmt.Sprintf("sh.helm.release.v1.%s.v%d", r.Name, r.Revision)
}
