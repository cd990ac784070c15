package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports come in blocks, below the ranges from which systems take a port for an
// outgoing connection: such a connection could have a port before the program
// that is to listen there, which the last component does many seconds later.
const (
	firstPort  = 20000
	blockSize  = 8
	portBlocks = 1200
)

// ports of one cluster, all on loopback.
type ports struct {
	etcd, etcdPeer, api, logs int
	// claim is listened on until the components listen themselves: no other
	// cluster that starts gets a port of this block.
	claim net.Listener
}

// claimPorts returns the ports of a block that nobody uses, claimed until
// release.
func claimPorts(ctx context.Context) (ports, error) {
	var problems error
	for range 100 {
		p, err := claimBlock(ctx, firstPort+blockSize*rand.IntN(portBlocks))
		if err == nil {
			return p, nil
		}
		problems = err
	}
	return ports{}, fmt.Errorf("choose free ports: %w", problems)
}

func claimBlock(ctx context.Context, first int) (ports, error) {
	claim, err := listen(ctx, first)
	if err != nil {
		return ports{}, err
	}
	p := ports{claim: claim}
	for i, port := range []*int{&p.etcd, &p.etcdPeer, &p.api, &p.logs} {
		*port = first + 1 + i
		if err := free(ctx, *port); err != nil {
			return ports{}, errors.Join(err, claim.Close())
		}
	}
	return p, nil
}

// free returns nil if nobody listens on the port.
func free(ctx context.Context, port int) error {
	l, err := listen(ctx, port)
	if err != nil {
		return err
	}
	return l.Close()
}

func listen(ctx context.Context, port int) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
}

// release lets others have the ports of the block that are free.
func (p ports) release() { _ = p.claim.Close() }
