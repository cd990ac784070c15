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

	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// provenanceTime is how long is spent on finding out where a revision comes from. What is not known then is left out: no
// operation fails or waits for it.
const provenanceTime = 2 * time.Second

// provenance finds out, beside the other work of a command, where a revision comes from. A nil one knows nothing.
type provenance struct {
	mu sync.Mutex
	// found write what was found.
	found []func(*release.Provenance)
	ready chan struct{}
}

// findMaker begins to look who makes a revision, and where.
func findMaker(ctx context.Context, cluster *kube.Cluster) *provenance {
	here := func(context.Context) func(*release.Provenance) {
		return func(made *release.Provenance) { made.Host, made.Run = hostname(), runAddress(os.Getenv) }
	}
	user := func(ctx context.Context) func(*release.Provenance) {
		// It is empty where there is no answer.
		name, _ := cluster.WhoAmI(ctx)
		return func(made *release.Provenance) { made.User = name }
	}
	return find(ctx, here, user)
}

// findSource begins to look what a pack is.
func findSource(ctx context.Context, source *pack.Pack) *provenance {
	return find(ctx,
		func(ctx context.Context) func(*release.Provenance) {
			commit, dirty := commitOf(ctx, source)
			return func(made *release.Provenance) { made.Commit, made.Dirty = commit, dirty }
		},
		func(ctx context.Context) func(*release.Provenance) {
			digest := digestOf(ctx, source)
			return func(made *release.Provenance) { made.Digest = digest }
		},
	)
}

// find begins to look, side by side. Each look returns what writes what it has found.
func find(ctx context.Context, looks ...func(context.Context) func(*release.Provenance)) *provenance {
	p := &provenance{ready: make(chan struct{})}
	ctx, cancel := context.WithTimeout(ctx, provenanceTime)
	var looking sync.WaitGroup
	for _, look := range looks {
		looking.Go(func() { p.add(look(ctx)) })
	}
	go func() {
		looking.Wait()
		cancel()
	}()
	context.AfterFunc(ctx, func() { close(p.ready) })
	return p
}

func (p *provenance) add(found func(*release.Provenance)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = append(p.found, found)
}

// Stamp writes into a new revision what was found. All else that it says of where it comes from stays.
func (p *provenance) Stamp(r *release.Release) {
	if p == nil {
		return
	}
	<-p.ready
	p.mu.Lock()
	defer p.mu.Unlock()
	made := ptr.Deref(r.Spec.Provenance, release.Provenance{})
	for _, write := range p.found {
		write(&made)
	}
	r.Spec.Provenance = &made
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

// digestOf is the digest of the archive that package makes of a pack; "" where it makes none, or ctx is over before.
func digestOf(ctx context.Context, source *pack.Pack) string {
	sum := sha256.New()
	inTime := writerFunc(func(part []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return sum.Write(part)
	})
	if source.WriteArchive(inTime) != nil {
		return ""
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// writerFunc is a function as an io.Writer.
type writerFunc func(part []byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(part []byte) (int, error) { return f(part) }
