package e2e

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// answer is an answer that no API server gave.
func answer(request *http.Request, code int, body string) *http.Response {
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

// start runs the program in the background, in the bench's namespace.
func (b *bench) start(t *testing.T, args ...string) (*exec.Cmd, *output) {
	t.Helper()
	return b.startWith(t, nil, args...)
}

// startWith is start, with a standard input.
func (b *bench) startWith(t *testing.T, stdin *os.File, args ...string) (*exec.Cmd, *output) {
	t.Helper()
	command := b.onHost(t, args...)
	if stdin != nil {
		// A nil file in an interface is no nil.
		command.Stdin = stdin
	}
	return command, b.begin(t, command)
}

// onHost returns the program with some arguments, in the bench's namespace.
func (b *bench) onHost(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command(program(t), append(args, "--kubeconfig", b.kubeconfig, "--namespace", b.namespace)...)
}

// begin starts a command and reads what it says.
func (b *bench) begin(t *testing.T, command *exec.Cmd) *output {
	t.Helper()
	command.Env = append(os.Environ(), "HOME="+b.home)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = write
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	said := &output{news: make(chan struct{}, 1)}
	go said.read(read)
	return said
}

// output is what a running program prints.
type output struct {
	mu   sync.Mutex
	text strings.Builder
	done bool
	news chan struct{}
}

func (o *output) read(from io.ReadCloser) {
	defer func() { _ = from.Close() }()
	for lines := bufio.NewScanner(from); lines.Scan(); {
		o.note(lines.Text()+"\n", false)
	}
	o.note("", true)
}

func (o *output) note(text string, done bool) {
	o.mu.Lock()
	o.text.WriteString(text)
	o.done = done
	o.mu.Unlock()
	select {
	case o.news <- struct{}{}:
	default:
	}
}

// await waits until the program has printed something.
func (o *output) await(t *testing.T, text string) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		o.mu.Lock()
		said, done := o.text.String(), o.done
		o.mu.Unlock()
		if strings.Contains(said, text) {
			return
		}
		if done {
			t.Fatalf("ended without %q: %s", text, said)
		}
		select {
		case <-o.news:
		case <-limit:
			t.Fatalf("did not print %q: %s", text, said)
		}
	}
}

// all waits until the program has ended and returns what it printed.
func (o *output) all() string {
	for {
		o.mu.Lock()
		text, done := o.text.String(), o.done
		o.mu.Unlock()
		if done {
			return text
		}
		<-o.news
	}
}
