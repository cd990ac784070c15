package plugin

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestUndo(t *testing.T) {
	t.Parallel()
	t.Run("a hook is gone if nothing is left of it", hookIsGoneIfNothingIsLeft)
}

// The object of a hook is known by its UID: another of its name is not it.
func hookIsGoneIfNothingIsLeft(t *testing.T) {
	t.Parallel()
	failure := fmt.Errorf("upgrade shop: %w", &lifecycle.HookError{Hook: release.Hook{Name: "migrate", UID: "1"}})
	for title, test := range map[string]struct {
		failure error
		left    []release.Entry
		want    bool
	}{
		"nothing is left":      {failure: failure, want: true},
		"it is left":           {failure: failure, left: []release.Entry{{Name: "app", UID: "2"}, {Name: "migrate", UID: "1"}}},
		"another has its name": {failure: failure, left: []release.Entry{{Name: "migrate", UID: "2"}}, want: true},
		"no hook was at fault": {failure: errors.New("forbidden")},
	} {
		if got := isHookGone(test.failure, test.left); got != test.want {
			t.Errorf("%s: the hook is gone: %v, want %v", title, got, test.want)
		}
	}
}
