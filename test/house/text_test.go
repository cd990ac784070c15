package house

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What no file of the repository may say. Each pattern is written so that it does not match itself.
var (
	unfinished  = regexp.MustCompile(`\b(TOD[O]|FIXM[E]|XX[X])\b`)
	machinePath = regexp.MustCompile(`(^|[^\w./-])/(wor[k]\b|roo[t]/|tmp/bas[h])`)
)

func TestFilesAreFitForPublication(t *testing.T) {
	t.Parallel()
	for _, name := range files(t) {
		content := read(t, name)
		// Checksums are noise, and so is what is no text.
		if path.Base(name) != "go.sum" && !bytes.ContainsRune(content, 0) {
			check(t, textBreaches(name, content))
		}
	}
}

func TestTextBreaches(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		line string
		want []string
	}{
		"a workload is fine":       {line: "path: /workloads/ apps/work k8s.io/work/v1"},
		"a word in a word is fine": {line: "mktemp -d X" + "XXXXX; METHODO"},
		"a note to self":           {line: "// TOD" + "O: later", want: []string{"a.txt:2: unfinished work"}},
		"a context of that name":   {line: "context.TOD" + "O()", want: []string{"a.txt:2: unfinished work"}},
		"a checkout":               {line: "cd /wor" + "k/main", want: []string{"a.txt:2: a path of one machine"}},
		"a home":                   {line: `"/roo` + `t/go/bin"`, want: []string{"a.txt:2: a path of one machine"}},
		"a scratch folder":         {line: "/tmp/bas" + "h_jobs", want: []string{"a.txt:2: a path of one machine"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := textBreaches("a.txt", []byte("first\n"+test.line+"\n"))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("breaches (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLinksInDocumentsLead(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, name := range files(t) {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, match := range link.FindAllStringSubmatch(string(read(t, name)), -1) {
			if _, err := fs.Stat(repository(), path.Join(path.Dir(name), match[1])); err != nil {
				t.Errorf("%s: following a link: %v", name, err)
			}
		}
	}
}

// textBreaches lists the lines of a file that say what no file may, in order.
func textBreaches(name string, content []byte) []string {
	var found []string
	for i, line := range bytes.Split(content, []byte("\n")) {
		if unfinished.Match(line) {
			found = append(found, fmt.Sprintf("%s:%d: unfinished work", name, i+1))
		}
		if machinePath.Match(line) {
			found = append(found, fmt.Sprintf("%s:%d: a path of one machine", name, i+1))
		}
	}
	return found
}
