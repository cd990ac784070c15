package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"

	"github.com/sherpack-io/kubectl-sherpack/test/cluster/kubelet"
)

// runKubelet runs kwok, which moves Pods through their stages, and beside it
// what kwok cannot do: logs that differ from Pod to Pod, and counted attempts.
func runKubelet() int {
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, _ := log.InitFlags(signals.SetupSignalContext(), flags)
	ctx, err := config.InitFlags(ctx, flags)
	if err == nil {
		err = kubeletCommand(ctx, flags).ExecuteContext(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubelet:", err)
		return 1
	}
	return 0
}

func kubeletCommand(ctx context.Context, global *pflag.FlagSet) *cobra.Command {
	var logs kubelet.LogServer
	command := kwok.NewCommand(ctx)
	// component-base registers a --version flag for every command; kwok's own would clash with it.
	command.Version = ""
	command.PersistentFlags().AddFlagSet(global)
	command.Flags().StringVar(&logs.Address, "logs-address", "", "host:port to serve container logs on")
	command.Flags().StringVar(&logs.CertFile, "logs-cert-file", "", "certificate of the log server")
	command.Flags().StringVar(&logs.KeyFile, "logs-key-file", "", "private key of the log server")
	runKwok := command.RunE
	command.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := clientFor(cmd)
		if err != nil {
			return err
		}
		logs.Client = client
		group, ctx := errgroup.WithContext(cmd.Context())
		cmd.SetContext(ctx)
		group.Go(func() error { return logs.Run(ctx) })
		group.Go(func() error { return kubelet.NumberAttempts(ctx, client) })
		group.Go(func() error { return runKwok(cmd, args) })
		return group.Wait()
	}
	return command
}

func clientFor(cmd *cobra.Command) (kubernetes.Interface, error) {
	path := cmd.Flag("kubeconfig").Value.String()
	restConfig, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %s: %w", path, err)
	}
	restConfig.QPS = -1
	return kubernetes.NewForConfig(restConfig)
}
