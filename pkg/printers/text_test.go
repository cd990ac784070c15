package printers_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	cliprinters "k8s.io/cli-runtime/pkg/printers"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// hostile has what a terminal would obey: escapes of both forms, what overwrites, rings, and turns the direction.
const hostile = "a\x1b[2J\x1b]0;title\a\u009b31m\u009d0;x\u009c\rb\b\x7f\u202ec\u2066d\x00"

func hostileRelease() *release.Release {
	r := release.New(hostile, hostile, 1)
	r.Spec.Pack = release.Pack{Name: hostile, Version: hostile, AppVersion: hostile}
	r.Spec.Description = hostile
	r.Spec.Provenance = &release.Provenance{User: hostile, Host: hostile, Run: hostile, Commit: hostile, Dirty: true, Digest: hostile}
	r.Status.Phase, r.Status.Message, r.Status.Operation = release.Failed, hostile, hostile
	r.Status.Hooks = []release.Hook{{
		Title: hostile, Kind: hostile, Name: hostile, Namespace: hostile, State: release.HookFailed,
		Reason: hostile, Message: hostile, Container: hostile, LogTail: hostile + "\n" + hostile,
	}}
	r.Status.Resources = []release.Resource{{Kind: hostile, Name: hostile, Namespace: hostile}}
	return r
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	t.Run("nothing from a cluster is obeyed", nothingFromAClusterIsObeyed)
}

// Whatever a cluster says, in any place of a release or an event, a terminal shows it and does not obey it.
func nothingFromAClusterIsObeyed(t *testing.T) {
	t.Parallel()
	r := hostileRelease()
	history := release.History{r}
	now := time.Now()
	table := func(t *testing.T, out *bytes.Buffer, object any) {
		t.Helper()
		switch object {
		case "list":
			check(t, cliprinters.NewTablePrinter(cliprinters.PrintOptions{Wide: true}).PrintObj(printers.Table(history, now), out))
		default:
			check(t, cliprinters.NewTablePrinter(cliprinters.PrintOptions{Wide: true}).PrintObj(printers.HistoryTable(history, now), out))
		}
	}
	for title, print := range map[string]func(t *testing.T, out *bytes.Buffer){
		"status": func(t *testing.T, out *bytes.Buffer) {
			t.Helper()
			check(t, printers.Status(out, printers.StatusView{Release: r, Now: now}))
		},
		"status with all there is": func(t *testing.T, out *bytes.Buffer) {
			t.Helper()
			live := []printers.Live{{Condition: hostile, Message: hostile, Reasons: []string{hostile}}}
			check(t, printers.Status(out, printers.StatusView{Release: r, Live: live, Wide: true, Now: now}))
			check(t, printers.Status(out, printers.StatusView{Release: r, Live: live, Now: now}))
		},
		"list":    func(t *testing.T, out *bytes.Buffer) { t.Helper(); table(t, out, "list") },
		"history": func(t *testing.T, out *bytes.Buffer) { t.Helper(); table(t, out, "history") },
		"the error stream": func(t *testing.T, out *bytes.Buffer) {
			t.Helper()
			streams := genericiooptions.IOStreams{ErrOut: printers.CleanWriter{Writer: out}}
			written, err := streams.ErrOut.Write([]byte(hostile))
			if written != len(hostile) || err != nil {
				t.Errorf("%d bytes of %d are written: %v", written, len(hostile), err)
			}
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			print(t, &out)
			if !strings.Contains(out.String(), "title") {
				t.Errorf("the text is not there: %q", out.String())
			}
			if at := strings.IndexFunc(out.String(), func(r rune) bool {
				return r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069)
			}); at >= 0 {
				t.Errorf("a terminal would obey %q", out.String()[at:])
			}
		})
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct{ text, want string }{
		"plain text stays":                  {text: "Grüße, 世界 🎉", want: "Grüße, 世界 🎉"},
		"nothing":                           {text: "", want: ""},
		"tabs and line breaks stay":         {text: "a\tb\nc\n", want: "a\tb\nc\n"},
		"colours do not":                    {text: "\x1b[31mred\x1b[0m", want: "�[31mred�[0m"},
		"nor a title":                       {text: "\x1b]0;title\a", want: "�]0;title�"},
		"nor an escape of one byte":         {text: "\u009b2J", want: "�2J"},
		"nor what overwrites":               {text: "Failed\rSucceeded\b\x7f", want: "Failed�Succeeded��"},
		"nor zero":                          {text: "a\x00b", want: "a�b"},
		"nor bytes that are no character":   {text: "a\xff\xfeb", want: "a��b"},
		"nor half a character":              {text: "a\xe4\xb8", want: "a��"},
		"nor what turns the direction":      {text: "a\u202egnp.exe\u2066b\u200fc", want: "a�gnp.exe�b�c"},
		"nor a text for the terminal":       {text: "\x1bP1$r0m\x1b\\\x1b_x\x9c\u009dx\u009c", want: "�P1$r0m�\\�_x��x�"},
		"line breaks of Windows are plain":  {text: "a\r\nb\r\n", want: "a\nb\n"},
		"a line break of another kind goes": {text: "a\u0085b\v\fc", want: "a�b��c"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if got := printers.Clean(test.text); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\tb\n\x1b[2J\xff\u009b\r")
	f.Fuzz(func(t *testing.T, text string) {
		got := printers.Clean(text)
		for _, r := range got {
			if (r < ' ' && r != '\t' && r != '\n') || (r >= 0x7f && r < 0xa0) || (r >= 0x202a && r <= 0x202e) {
				t.Errorf("%q becomes %q, with %U", text, got, r)
			}
		}
		if again := printers.Clean(got); again != got {
			t.Errorf("%q becomes %q, and that %q", text, got, again)
		}
	})
}
