package plugin

import (
	"flag"
	"io"
	"strconv"
	"sync"

	"k8s.io/klog/v2"
)

// The libraries log by klog, which has one state for the process. All that sets it stands here.

// requestsFrom is the verbosity from which on clients log their requests.
const requestsFrom = 6

// silenceLibraries ends the libraries' own log, which is for their developers; what went wrong is in the errors. klog reads its
// flags while another call sets them.
//
//nolint:gochecknoglobals // It is done once for the process.
var silenceLibraries = sync.OnceFunc(func() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	var flags flag.FlagSet
	klog.InitFlags(&flags)
	// Errors would go to the terminal all the same. The error says that there is no such level.
	_ = flags.Set("stderrthreshold", "FATAL")
})

// logRequests has the libraries log as kubectl does.
func logRequests(level int, out io.Writer) {
	var verbosity klog.Level
	// A number is what it takes; it is that of the process.
	_ = verbosity.Set(strconv.Itoa(level))
	klog.SetOutput(out)
}
