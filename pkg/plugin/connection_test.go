package plugin

import (
	"os"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"
)

func TestConnection(t *testing.T) {
	t.Parallel()
	t.Run("clients are not throttled", clientsAreNotThrottled)
	t.Run("runs have names of their own", runsHaveNamesOfTheirOwn)
}

func clientsAreNotThrottled(t *testing.T) {
	t.Parallel()
	flags := newClusterFlags(genericiooptions.NewTestIOStreamsDiscard())
	server := "https://192.0.2.1"
	flags.APIServer, flags.BearerToken, flags.KubeConfig = &server, ptr.To("token"), ptr.To(os.DevNull)
	config, err := flags.ToRESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	if config.QPS != -1 || config.WarningHandler == nil || config.Host != server {
		t.Errorf("the configuration is %v", config)
	}
}

// Nobody can foresee the name of a run, which has a name of its own each time.
func runsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		run := newRun()
		if len(run) != runLength || seen[run] {
			t.Fatalf("run %q", run)
		}
		seen[run] = true
	}
}
