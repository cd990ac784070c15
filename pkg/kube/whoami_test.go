package kube_test

import "testing"

func TestWhoAmI(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	user, err := b.WhoAmI(t.Context())
	b.must(err)
	if user == "" {
		t.Error("the user has no name")
	}
}
