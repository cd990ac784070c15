package lifecycle

import (
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// undone is what became of what a failed installation had made; failure is why that could not be deleted, nil where it was.
func undone(r *release.Release, failure error) string {
	if failure != nil {
		return "the rollback failed, too: " + summary(failure)
	}
	return Undone(r)
}

// Undone says what became of what a failed installation had created, by the record that its undo has left: some kinds and
// policies keep objects.
func Undone(r *release.Release) string {
	var kept []string
	for _, entry := range r.Inventory {
		if entry.UID != "" && entry.Origin == release.Created {
			kept = append(kept, entry.Kind+"/"+entry.Name)
		}
	}
	text := "everything it had created was deleted"
	if len(kept) > 0 {
		text += ", except " + words.List(kept, words.Many)
	}
	return text
}
