package plugin

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// runLength is how many characters identify one run of the program.
const runLength = 8

// target is a namespace of a cluster, with what commands need to work there.
type target struct {
	namespace string
	cluster   *kube.Cluster
	store     *storage.Secrets
}

// configError is a kubeconfig that cannot be used.
type configError struct{ error }

// Unwrap returns the cause.
func (e configError) Unwrap() error { return e.error }

// connect makes ready to talk to the cluster that the flags name; it sends nothing. The caller closes the cluster.
func connect(getter genericclioptions.RESTClientGetter) (*target, error) {
	namespace, _, err := getter.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, configError{err}
	}
	config, err := getter.ToRESTConfig()
	if err != nil {
		return nil, configError{err}
	}
	store, err := storage.NewSecrets(config, rand.String(runLength))
	if err != nil {
		return nil, configError{err}
	}
	cluster, err := kube.New(getter)
	if err != nil {
		return nil, configError{err}
	}
	return &target{namespace: namespace, cluster: cluster, store: store}, nil
}

// releaseName accepts NAME, and release/NAME and release.sherpack.io/NAME as `-o name` prints it.
func releaseName(argument string) (string, error) {
	kind, name, found := strings.Cut(argument, "/")
	if !found {
		name = argument
	} else if kind != "release" && kind != "release.sherpack.io" {
		return "", inputError{fmt.Errorf("release name %q: only release/NAME may have a prefix", argument)}
	}
	if err := release.CheckName(name); err != nil {
		return "", inputError{err}
	}
	return name, nil
}

// newest returns the newest revision of a release whole, and the history it stands in.
func (t *target) newest(ctx context.Context, name string) (*release.Release, release.History, error) {
	history, err := t.store.History(ctx, t.namespace, name)
	if err != nil {
		return nil, nil, err
	}
	if history.Newest() == nil {
		return nil, nil, fmt.Errorf("release %q in namespace %q: %w", name, t.namespace, storage.ErrNotFound)
	}
	newest, err := t.store.Get(ctx, t.namespace, name, history.Newest().Spec.Revision)
	if err != nil {
		return nil, nil, err
	}
	return newest, history, nil
}

// shown returns a release as it is printed.
func shown(r *release.Release, history release.History) *release.Release {
	deployed := 0
	if found := history.Deployed(); found != nil {
		deployed = found.Spec.Revision
	}
	return r.Shown(deployed)
}
