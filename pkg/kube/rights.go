package kube

import (
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What is done where a right is missing that can be done without.
const (
	insteadOfList   = "falling back to get"
	insteadOfEvents = "reasons that only events show are missing"
	insteadOfLogs   = "showing the termination message instead of the log"
)

// right is what a role allows.
type right struct {
	verb      string
	resource  schema.GroupResource
	namespace string
}

func (r right) String() string {
	text := fmt.Sprintf("%s %s", r.verb, r.resource)
	if r.namespace == "" {
		return text
	}
	return text + " in namespace " + r.namespace
}

// missing remembers the rights that were missed. Its zero value is ready.
type missing struct {
	mu      sync.Mutex
	known   map[right]bool
	notices []string
}

// Lacks notes a right that a request lacked, and what is done instead. Any
// error but that of a refusal is passed over.
func (c *connection) Lacks(err error, lacked right, instead string) {
	if !apierrors.IsForbidden(err) {
		return
	}
	c.missing.mu.Lock()
	defer c.missing.mu.Unlock()
	if c.missing.known[lacked] {
		return
	}
	if c.missing.known == nil {
		c.missing.known = map[right]bool{}
	}
	c.missing.known[lacked] = true
	c.missing.notices = append(c.missing.notices, fmt.Sprintf("no right to %s: %s", lacked, instead))
}

// Notices names the rights whose lack was noted since the last call, in that
// order, and what is done without them: nil when there is nothing new. Each
// right comes once in the life of the Cluster, for however many objects it was
// missing. Rights without which something cannot be done are no notices but
// errors.
func (c *Cluster) Notices() []string {
	c.api.missing.mu.Lock()
	defer c.api.missing.mu.Unlock()
	notices := c.api.missing.notices
	c.api.missing.notices = nil
	return notices
}
