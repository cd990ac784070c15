// Command server is all the components of a small cluster in one program. Its
// first argument chooses one of them, the rest are that component's own flags:
//
//	server etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kubelet FLAGS
//
// A component ends when its standard input does, so none outlives whoever
// holds the other end of that pipe.
package main

import (
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // CronJobs name time zones, and a bare machine has no files for them

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // without it client-go's metrics stay empty
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "server: name a component: etcd, kube-apiserver, kube-controller-manager, kube-scheduler or kubelet")
		os.Exit(2)
	}
	// The components read their flags from os.Args themselves.
	os.Args = os.Args[1:]
	go endWithStdin()
	os.Exit(run(os.Args[0]))
}

func run(component string) int {
	switch component {
	case "etcd":
		etcdmain.Main(os.Args)
		return 0
	case "kube-apiserver":
		return cli.Run(apiserver.NewAPIServerCommand())
	case "kube-controller-manager":
		return cli.Run(controllers.NewControllerManagerCommand())
	case "kube-scheduler":
		return cli.Run(scheduler.NewSchedulerCommand())
	case "kubelet":
		return runKubelet()
	}
	fmt.Fprintf(os.Stderr, "server: no component %q\n", component)
	return 2
}

// endWithStdin ends the program at once when its standard input ends: the data
// of these clusters is thrown away, so nothing is gained by a slow goodbye.
func endWithStdin() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}
