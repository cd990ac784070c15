package printers_test

import (
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

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
