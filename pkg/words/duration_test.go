package words_test

import (
	"testing"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for elapsed, want := range map[time.Duration]string{
		0:                         "0s",
		349600 * time.Microsecond: "350ms",
		999900 * time.Microsecond: "1s",
		7249 * time.Millisecond:   "7.2s",
		7250 * time.Millisecond:   "7.3s",
		30 * time.Second:          "30s",
		59960 * time.Millisecond:  "1m",
		72600 * time.Millisecond:  "1m13s",
		64 * time.Second:          "1m04s",
		3667 * time.Second:        "1h1m07s",
		5 * time.Minute:           "5m",
		time.Hour:                 "1h",
		65 * time.Minute:          "1h5m",
	} {
		if got := words.Duration(elapsed); got != want {
			t.Errorf("%s is shown as %s, want %s", elapsed, got, want)
		}
	}
}
