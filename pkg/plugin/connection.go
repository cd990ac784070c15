package plugin

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// clusterFlags are kubectl's own flags: which cluster, which namespace, and who asks.
type clusterFlags struct{ *genericclioptions.ConfigFlags }

// newClusterFlags returns the flags. The client is not throttled, because the API server has its own flow control;
// warnings of the API server go to the error stream, each once; and a server that is out of reach for a while is waited for.
func newClusterFlags(streams genericiooptions.IOStreams) clusterFlags {
	server := &patience.Server{Say: func(message string) { _, _ = fmt.Fprintln(streams.ErrOut, "warning: "+message) }}
	warnings := rest.NewWarningWriter(streams.ErrOut, rest.WarningWriterOptions{Deduplicate: true})
	return clusterFlags{genericclioptions.NewConfigFlags(true).
		WithDeprecatedPasswordFlag().
		WithDiscoveryQPS(-1).
		WithWrapConfigFn(func(config *rest.Config) *rest.Config {
			config.QPS = -1
			config.WarningHandler = warnings
			config.Wrap(server.Wrap)
			return config
		})}
}

// Check refuses a time limit of requests that clients would refuse later, as if the cluster were at fault.
func (f clusterFlags) Check() error {
	value := *f.Timeout
	switch limit, err := clientcmd.ParseTimeout(value); {
	case value != "" && err != nil:
		return fmt.Errorf("--request-timeout %q: must be a number of seconds, or have a unit, as in 30s, 2m or 1h; 0 is no limit", value)
	case limit < 0:
		return fmt.Errorf("--request-timeout %q: must not be negative", value)
	}
	return nil
}

// connection is a namespace of a cluster, with what commands need to work there.
type connection struct {
	records
	discovery
	// guard stands before all that cluster and store write.
	guard *storage.Guard
}

// connect makes ready to talk to the cluster that the flags name; it sends nothing. Warnings go to the error stream. The caller
// closes the connection.
func connect(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) (*connection, error) {
	namespace, _, err := getter.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, configError{err}
	}
	if err := kinds.CheckPath(namespace, ""); err != nil {
		return nil, inputError{fmt.Errorf("the release %w", err)}
	}
	plain, err := getter.ToRESTConfig()
	if err != nil {
		return nil, configError{err}
	}
	run, guard := newRun(), &storage.Guard{}
	getter = guarded{getter, guard}
	config, err := getter.ToRESTConfig()
	if err != nil {
		return nil, configError{err}
	}
	store, err := storage.NewSecrets(config, run)
	if err != nil {
		return nil, configError{err}
	}
	locks, err := storage.NewLocks(plain, store)
	if err != nil {
		return nil, configError{err}
	}
	locks.Suspect = func(holder *storage.LockedError, watched time.Duration) {
		_, _ = fmt.Fprintf(streams.ErrOut, "waiting %s to be sure that %s, which holds the lock of release %s/%s, has ended\n",
			watched.Round(time.Second), holder.Holder, holder.Namespace, holder.Name)
	}
	cluster, err := kube.New(getter)
	if err != nil {
		return nil, configError{err}
	}
	stored := records{namespace: namespace, store: store, locks: locks, warnings: &warnings{out: streams.ErrOut}}
	return &connection{records: stored, discovery: discovery{cluster}, guard: guard}, nil
}

// guarded is a getter whose configuration has a guard before all that writes.
type guarded struct {
	genericclioptions.RESTClientGetter
	guard *storage.Guard
}

// ToRESTConfig implements genericclioptions.RESTClientGetter.
func (g guarded) ToRESTConfig() (*rest.Config, error) {
	given, err := g.RESTClientGetter.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	config := rest.CopyConfig(given)
	config.Wrap(g.guard.Wrap)
	return config, nil
}

// runLength is how many characters identify one run of the program.
const runLength = 8

// newRun returns what identifies a run of the program. Nobody can foresee it.
func newRun() string { return strings.ToLower(rand.Text()[:runLength]) }

// Close ends all that the connection keeps open.
func (c *connection) Close() { c.cluster.Close() }
