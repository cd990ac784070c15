package progress

import (
	"os"

	"golang.org/x/sys/windows"
)

// enableEscapes has a console obey escape sequences, which it does not by itself, and reports whether it does.
func enableEscapes(file *os.File) bool {
	console := windows.Handle(file.Fd())
	var mode uint32
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
