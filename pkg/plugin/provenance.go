package plugin

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// provenanceTime is how long is spent on finding out where a revision comes from. What is not known then is left out: no
// operation fails or waits for it.
const provenanceTime = 2 * time.Second

// provenance finds out, beside the other work of a command, who makes a revision and from what. A nil one knows nothing.
type provenance struct {
	mu    sync.Mutex
	found release.Provenance
	ready chan struct{}
}

// findProvenance begins to look. source is the pack that the revision is made from; nil where it is made from another revision.
func findProvenance(ctx context.Context, cluster *kube.Cluster, source *pack.Pack) *provenance {
	p := &provenance{found: release.Provenance{Host: hostname(), Run: runAddress(os.Getenv)}, ready: make(chan struct{})}
	ctx, cancel := context.WithTimeout(ctx, provenanceTime)
	var looking sync.WaitGroup
	looking.Go(func() {
		user, err := cluster.WhoAmI(ctx)
		if err == nil {
			p.set(func(found *release.Provenance) { found.User = user })
		}
	})
	if source != nil {
		looking.Go(func() {
			commit, dirty := commitOf(ctx, source)
			p.set(func(found *release.Provenance) { found.Commit, found.Dirty = commit, dirty })
		})
		looking.Go(func() {
			digest := digestOf(source)
			p.set(func(found *release.Provenance) { found.Digest = digest })
		})
	}
	go func() {
		looking.Wait()
		cancel()
	}()
	context.AfterFunc(ctx, func() { close(p.ready) })
	return p
}

func (p *provenance) set(add func(*release.Provenance)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	add(&p.found)
}

// Stamp writes into a new revision where it comes from. What one that is restored was made from stays known.
func (p *provenance) Stamp(r *release.Release) {
	if p == nil {
		return
	}
	<-p.ready
	p.mu.Lock()
	defer p.mu.Unlock()
	stamp := p.found
	if restored := r.Spec.Provenance; restored != nil && stamp.Digest == "" {
		stamp.Commit, stamp.Dirty, stamp.Digest = restored.Commit, restored.Dirty, restored.Digest
	}
	r.Spec.Provenance = &stamp
}

// hostname is the name of this machine; "" where it has none.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// runAddress is the address of the CI run that a command is part of, by its environment; "" where it is part of none.
func runAddress(getenv func(string) string) string {
	github := ""
	if server, repository, run := getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY"), getenv("GITHUB_RUN_ID"); repository != "" && run != "" {
		github = fmt.Sprintf("%s/%s/actions/runs/%s", strings.TrimSuffix(cmp.Or(server, "https://github.com"), "/"), repository, run)
	}
	// GitLab's, and Jenkins'.
	return cmp.Or(github, getenv("CI_JOB_URL"), getenv("BUILD_URL"))
}

// digestOf is the digest of the archive that package makes of a pack; "" where it makes none.
func digestOf(source *pack.Pack) string {
	sum := sha256.New()
	if source.WriteArchive(sum) != nil {
		return ""
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}
