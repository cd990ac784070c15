package plugin

import (
	"testing"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	t.Run("a former holder is described as far as it is known", formerHolderIsDescribed)
}

func formerHolderIsDescribed(t *testing.T) {
	t.Parallel()
	holder := storage.Holder{Host: "build-7", PID: 12}
	for name, test := range map[string]struct {
		former *storage.Former
		want   string
	}{
		"nobody is known":   {nil, "no command is working on it"},
		"when is known":     {&storage.Former{Holder: holder, Age: 3 * time.Second, Dated: true}, `process 12 on "build-7", last seen 3s ago`},
		"it was just there": {&storage.Former{Holder: holder, Dated: true}, `process 12 on "build-7", last seen 0s ago`},
		"when is not known": {&storage.Former{Holder: holder}, `process 12 on "build-7"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := describe(test.former); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
