package kube

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPartialCapabilities(t *testing.T) {
	t.Parallel()
	t.Run("what is down is left out", whatIsDownIsLeftOut)
}

func whatIsDownIsLeftOut(t *testing.T) {
	t.Parallel()
	server := &served{lists: map[string][]string{"a/v1": {"One", "Two"}}, down: map[string]error{"c/v1": errors.New("down")}}
	got, err := newCluster(&connection{kinds: newKinds(server)}).Capabilities(t.Context())
	want := Capabilities{Version: "v1.36.0", Major: "1", Minor: "36", APIVersions: []string{"a/v1", "a/v1/One", "a/v1/Two"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
