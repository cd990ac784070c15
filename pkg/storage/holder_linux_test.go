package storage

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestHolder(t *testing.T) {
	t.Parallel()
	t.Run("what a Lease says is quoted", whatALeaseSaysIsQuoted)
}

// What a Lease says may be anybody's words: they stay on their line, between quotes.
func whatALeaseSaysIsQuoted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		holder Holder
		want   string
	}{
		"as it is": {
			Holder{Operation: "upgrade", Step: "pre-upgrade/migrate", Host: "build-7", PID: 12},
			`release a/shop is locked by process 12 on "build-7" (upgrade, "pre-upgrade/migrate"; last seen 3s ago)`,
		},
		"before the first step": {
			Holder{Operation: "install", Host: "build-7", PID: 12},
			`release a/shop is locked by process 12 on "build-7" (install; last seen 3s ago)`,
		},
		"lines, escapes and directions": {
			Holder{Operation: "upgrade\nerror: done", Step: "a\x1b[2J", Host: "h\r\n\u202e", PID: 12},
			`release a/shop is locked by process 12 on "h\r\n\u202e" ("upgrade\nerror: done", "a\x1b[2J"; last seen 3s ago)`,
		},
		"nothing that can be read": {
			Holder{Run: "abc"},
			`release a/shop is locked by run "abc" (""; last seen 3s ago)`,
		},
		"long": {
			Holder{Operation: "test", Host: strings.Repeat("h", 5000), PID: 1},
			`release a/shop is locked by process 1 on "` + strings.Repeat("h", 200) + `…" (test; last seen 3s ago)`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := &LockedError{Namespace: "a", Name: "shop", Holder: test.holder, Age: 3 * time.Second}
			if got := err.Error(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			lost := &LostError{Namespace: "a", Name: "shop", Holder: &test.holder}
			if got := lost.Error(); strings.ContainsAny(got, "\n\r\x1b\u202e") {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestDead(t *testing.T) {
	t.Parallel()
	t.Run("a dead holder is one of this machine", aDeadHolderIsOneOfThisMachine)
	t.Run("a hidden holder keeps its lock", aHiddenHolderKeepsItsLock)
	t.Run("the lock of a dead holder is abandoned", theLockOfADeadHolderIsAbandoned)
}

// Process numbers mean nothing on another host, in another boot and among other processes.
func aDeadHolderIsOneOfThisMachine(t *testing.T) {
	t.Parallel()
	self := Holder{Host: "here", Machine: "boot pid:[1] time:[1]"}
	for name, test := range map[string]struct {
		host, machine string
		want          bool
	}{
		"this machine":                {self.Host, self.Machine, true},
		"another host":                {"there", self.Machine, false},
		"another boot":                {self.Host, "later pid:[1] time:[1]", false},
		"another PID namespace":       {self.Host, "boot pid:[2] time:[1]", false},
		"a machine that is not known": {self.Host, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			locks := &Locks{self: self, processes: hostProcesses()}
			dead := Holder{Host: test.host, Machine: test.machine, PID: endedProcess(t, false), Started: "1"}
			if got := locks.isDead(dead); got != test.want {
				t.Errorf("dead: %v, want %v", got, test.want)
			}
		})
	}
}

// A holder whose process cannot be seen, because it is another user's, keeps its lock, also when it is silent for a while.
func aHiddenHolderKeepsItsLock(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	server := proxy.Start(t, clustertest.Config(t))
	var cut atomic.Bool
	server.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		if cut.Load() {
			return nil, proxy.ErrCut
		}
		return upstream.RoundTrip(request)
	})
	first := newLocks(t, server.Config(), "first")
	first.self.PID = os.Getppid()
	first.self.Started = first.processes.started(first.self.PID)
	lock, err := first.Acquire(t.Context(), namespace, "shop", "install", 0)
	if err != nil {
		t.Fatal(err)
	}
	cut.Store(true)
	second := newLocks(t, clustertest.Config(t), "second")
	second.processes = hidden(t)
	if second.processes.machine() != second.self.Machine {
		t.Fatal("the machine is not the same")
	}
	var locked *LockedError
	start := time.Now()
	if _, err := second.Acquire(t.Context(), namespace, "shop", "uninstall", 7*time.Second); !errors.As(err, &locked) || locked.Holder.Run != "first" {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
	cut.Store(false)
	if err := lock.Await(t.Context()); err != nil {
		t.Error(err)
	}
	if err := lock.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func newLocks(t *testing.T, config *rest.Config, run string) *Locks {
	t.Helper()
	store, err := NewSecrets(config, run)
	if err != nil {
		t.Fatal(err)
	}
	locks, err := NewLocks(config, store)
	if err != nil {
		t.Fatal(err)
	}
	return locks
}

// A lock whose holder is known to have ended is abandoned, however young it is.
func theLockOfADeadHolderIsAbandoned(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	first, reader := newLocks(t, clustertest.Config(t), "first"), newLocks(t, clustertest.Config(t), "reader")
	first.self.PID = endedProcess(t, false)
	lock, err := first.Acquire(t.Context(), namespace, "shop", "install", 0)
	if err != nil {
		t.Fatal(err)
	}
	abandoned, former, err := reader.Abandoned(t.Context(), namespace, "shop")
	if err != nil || !abandoned || former.PID != first.self.PID || former.Age >= expireAfter {
		t.Errorf("it is abandoned: %v, by %+v, %v", abandoned, former, err)
	}
	reader.self.Machine = "another"
	if abandoned, _, err = reader.Abandoned(t.Context(), namespace, "shop"); err != nil || abandoned {
		t.Errorf("on another machine it is abandoned: %v, %v", abandoned, err)
	}
	if err := lock.Release(t.Context()); err != nil {
		t.Error(err)
	}
}
