package storage

import (
	"encoding/json"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// maxProvenance is how many bytes of each field of a provenance are kept: lists read it with every revision.
const maxProvenance = 256

// encodeProvenance returns where a revision comes from as an annotation has it.
func encodeProvenance(from release.Provenance) (string, error) {
	for _, field := range []*string{&from.User, &from.Host, &from.Run, &from.Commit, &from.Digest} {
		*field = truncate(*field, maxProvenance)
	}
	text, err := json.Marshal(from)
	return string(text), err
}

// decodeProvenance reads where a revision comes from; nil where that is not known. One that was edited and cannot be read is
// not known either: nothing depends on it.
func decodeProvenance(annotation string) *release.Provenance {
	from := &release.Provenance{}
	if json.Unmarshal([]byte(annotation), from) != nil {
		return nil
	}
	return from
}
