// Package storage keeps releases in Secrets of their namespace. A revision is one head, the only part that is patched
// while hooks run; payload parts, which never change; and inventory parts. Lists read the heads' metadata only.
package storage

import (
	"errors"

	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

var (
	// ErrNotFound is returned where a release or a revision is not there.
	ErrNotFound = errors.New("not found")
	// ErrConflict is returned where another run has written the record meanwhile. Nothing was overwritten.
	ErrConflict = errors.New("changed by another command meanwhile")
	// ErrDamaged is returned where parts of a record are missing or do not belong together.
	ErrDamaged = errors.New("the stored record is damaged")
	// ErrNewerFormat is returned for a record that a newer version of this program wrote.
	ErrNewerFormat = errors.New("written by a newer version of kubectl-sherpack")
)

// Secrets stores releases. It is safe for concurrent use.
type Secrets struct {
	client *client
	newest *newest
}

// NewSecrets returns a store that talks to the API server of config. run identifies this run of the program; it is
// part of Secrets' names, so it has lower-case letters and digits only.
func NewSecrets(config *rest.Config, run string) (*Secrets, error) {
	typed, err := corev1client.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	requests := &client{secrets: typed, metadata: meta, run: run}
	return &Secrets{client: requests, newest: &newest{client: requests, heads: map[types.NamespacedName]newestHead{}}}, nil
}
