package words

import (
	"strings"
	"time"
)

// Duration shows how long something took, to a tenth of a second where that counts: 350ms, 2.5s, 1m, 1m04s, 1h5m. All that is said of a
// time that was measured is said by it, so that the same time reads the same everywhere.
func Duration(elapsed time.Duration) string {
	precision := time.Second
	switch {
	case elapsed < time.Second:
		precision = time.Millisecond
	case elapsed < time.Minute:
		precision = time.Second / 10
	}
	text := elapsed.Round(precision).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	if minutes, seconds, found := strings.Cut(text, "m"); found && len(seconds) == len("4s") {
		text = minutes + "m0" + seconds
	}
	return text
}
