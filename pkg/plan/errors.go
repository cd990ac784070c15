package plan

import (
	"cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

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
