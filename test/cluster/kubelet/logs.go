package kubelet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"
)

// LogServer is the log endpoint of a kubelet: it answers an API server's
// requests for container logs from the annotations of the Pod. It lets
// everybody in, so it must listen on loopback only.
type LogServer struct {
	// Client reads the Pods.
	Client kubernetes.Interface
	// Address is the host:port to listen on.
	Address string
	// CertFile and KeyFile are the PEM files of the certificate to serve with.
	CertFile, KeyFile string
}

// Run serves until ctx ends, then returns nil.
func (s LogServer) Run(ctx context.Context) error {
	server := &http.Server{Addr: s.Address, Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ListenAndServeTLS(s.CertFile, s.KeyFile); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve logs on %s: %w", s.Address, err)
	}
	return nil
}

// Handler returns the handler of the log endpoint's one path,
// /containerLogs/{namespace}/{pod}/{container}.
func (s LogServer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.serve)
	return mux
}

func (s LogServer) serve(w http.ResponseWriter, r *http.Request) {
	options, err := parseOptions(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	options.Container = r.PathValue("container")
	pod, err := s.Client.CoreV1().Pods(r.PathValue("namespace")).Get(r.Context(), r.PathValue("pod"), metav1.GetOptions{})
	if err != nil {
		http.Error(w, err.Error(), statusCode(err))
		return
	}
	current, err := currentRun(pod, options.Container, options.Previous)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.print(r.Context(), newPrinter(w, options), pod, current)
}

func statusCode(err error) int {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return int(status.Status().Code)
	}
	return http.StatusInternalServerError
}

// print writes what the run has printed, then, if asked to follow, each line
// as it comes, until the run ends.
func (s LogServer) print(ctx context.Context, out *printer, pod *corev1.Pod, current run) {
	printed, coming := current.split(time.Now())
	more := out.history(printed)
	if !out.options.Follow || current.ended {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := s.watchEnd(ctx, pod, out.options.Container, current.number)
	for _, l := range coming {
		if !more {
			return
		}
		waitUntil(l.at, ended)
		more = out.line(l)
	}
	if more {
		<-ended
	}
}

func waitUntil(at time.Time, ended <-chan struct{}) {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ended:
	}
}

// watchEnd returns a channel that is closed when that run of the container is
// over, when the Pod is gone, or when ctx ends.
func (s LogServer) watchEnd(ctx context.Context, pod *corev1.Pod, container string, number int32) <-chan struct{} {
	over := func(event watch.Event) bool {
		now, ok := event.Object.(*corev1.Pod)
		if !ok || event.Type == watch.Deleted {
			return true
		}
		status, _ := findStatus(now, container)
		return status.RestartCount != number || status.State.Running == nil
	}
	pods := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		options.FieldSelector = fields.OneTermEqualSelector("metadata.name", pod.Name).String()
		return s.Client.CoreV1().Pods(pod.Namespace).Watch(ctx, options)
	}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = toolswatch.Until(ctx, pod.ResourceVersion, pods, func(event watch.Event) (bool, error) { return over(event), nil })
	}()
	return ended
}
