package cluster

import (
	"net"
	"testing"
)

//nolint:paralleltest // The other test could take the block while it is free.
func TestPortsAreClaimedUntilTheyAreReleased(t *testing.T) {
	p, err := claimPorts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := p.claim.Addr().(*net.TCPAddr).Port
	if _, err := claimBlock(t.Context(), first); err == nil {
		t.Error("another cluster has got the same ports")
	}
	p.release()
	again, err := claimBlock(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	defer again.release()
	again.claim, p.claim = nil, nil
	if again != p {
		t.Errorf("the ports of one block are %v and %v", p, again)
	}
}

//nolint:paralleltest // As above.
func TestABlockWithAPortInUseIsNotClaimed(t *testing.T) {
	p, err := claimPorts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := p.claim.Addr().(*net.TCPAddr).Port
	p.release()
	used, err := listen(t.Context(), p.logs)
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	if _, err := claimBlock(t.Context(), first); err == nil {
		t.Error("a block was claimed of which one port is in use")
	}
	if err := free(t.Context(), first); err != nil {
		t.Errorf("a block that was refused stays claimed: %v", err)
	}
}
