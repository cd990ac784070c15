//go:build !windows

package progress

import "os"

// enableEscapes reports whether a terminal obeys escape sequences.
func enableEscapes(*os.File) bool { return true }
