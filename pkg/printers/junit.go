package printers

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// The elements of a JUnit report, as CI services read it.
type (
	junitSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		junitCounts
		Suites []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string `xml:"name,attr"`
		Timestamp string `xml:"timestamp,attr,omitempty"`
		junitCounts
		// Properties say what was tested. They come before the cases.
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCounts struct {
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Time     string `xml:"time,attr"`
	}
	junitCase struct {
		ClassName string        `xml:"classname,attr"`
		Name      string        `xml:"name,attr"`
		Time      string        `xml:"time,attr"`
		Failure   *junitFailure `xml:"failure"`
		Skipped   *junitSkipped `xml:"skipped"`
		Log       string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr,omitempty"`
	}
)

// JUnit writes how the last test run of a revision went as a report in JUnit's XML: a suite, which has the revision and the pack as
// properties. Tests that did not run are skipped.
func JUnit(out io.Writer, r *release.Release) error {
	suite := junitSuite{Name: Line(r.Namespace + "/" + r.Name), Properties: []junitProperty{
		{"revision", strconv.Itoa(r.Spec.Revision)}, {"pack", Line(r.Spec.Pack.String())},
	}}
	var elapsed time.Duration
	for _, h := range r.Status.Hooks {
		if h.Phase != string(hook.Test) {
			continue
		}
		if suite.Timestamp == "" && h.StartedAt != nil {
			suite.Timestamp = h.StartedAt.UTC().Format("2006-01-02T15:04:05")
		}
		elapsed += h.Elapsed()
		test := newJUnitCase(h, suite.Name)
		suite.Tests++
		if test.Failure != nil {
			suite.Failures++
		}
		if test.Skipped != nil {
			suite.Skipped++
		}
		suite.Cases = append(suite.Cases, test)
	}
	suite.Time = junitTime(elapsed)
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(junitSuites{junitCounts: suite.junitCounts, Suites: []junitSuite{suite}}); err != nil {
		return err
	}
	_, err := io.WriteString(out, "\n")
	return err
}

func newJUnitCase(h release.Hook, suite string) junitCase {
	test := junitCase{
		ClassName: suite, Name: Line(strings.TrimPrefix(h.Title, string(hook.Test)+"/")), Time: junitTime(h.Elapsed()),
	}
	switch h.State {
	case release.HookSucceeded:
		test.Log = Clean(h.LogTail)
	case release.HookFailed:
		test.Failure = &junitFailure{
			Message: Line(words.Join(": ", h.Detail(), h.Message)), Type: Line(h.Reason),
			Text: Clean(words.Join("\n", h.Message, h.LogNote, h.LogTail)),
		}
	case release.HookPending, release.HookRunning, release.HookSkipped:
		test.Skipped = &junitSkipped{Message: Line(h.Detail())}
	}
	return test
}

// junitTime is a duration in seconds.
func junitTime(elapsed time.Duration) string { return fmt.Sprintf("%.3f", elapsed.Seconds()) }
