//go:build !unix

package e2e

import "os"

// peakMemory is the most memory that a process held, in bytes; 0 where the system does not tell.
func peakMemory(*os.ProcessState) int64 { return 0 }
