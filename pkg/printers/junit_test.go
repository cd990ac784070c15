package printers_test

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

func TestJUnit(t *testing.T) {
	t.Parallel()
	t.Run("tests that succeeded, failed and were skipped", junitOfAllStates)
	t.Run("hostile texts are escaped", junitOfHostileTexts)
	t.Run("one that cannot be written is an error", junitThatCannotBeWritten)
}

func junitOfAllStates(t *testing.T) {
	t.Parallel()
	r := deployed()
	smoke, load, last := job("test", "smoke", release.HookSucceeded), job("test", "load", release.HookFailed), job("test", "end", release.HookSkipped)
	smoke.StartedAt, smoke.ElapsedMS, smoke.LogTail = moment(time.Minute), 2150, "all <fine>\n"
	load.ElapsedMS, load.ExitCode, load.Message, load.LogTail = 31_000, ptr.To[int32](3), `container "load" exited with code 3 (31s, 2 attempts)`, "connection refused\n\x1b[31m]]>\n"
	last.Reason = release.ReasonNotReached
	r.Status.Hooks = append(r.Status.Hooks, smoke, load, last)
	var out bytes.Buffer
	check(t, printers.JUnit(&out, r))
	golden.Compare(t, "junit.txt", out.String())
}

func junitOfHostileTexts(t *testing.T) {
	t.Parallel()
	const markup = hostile + `"'<x/>]]>&amp;` + "\xff"
	r := hostileRelease()
	for _, state := range []release.HookState{release.HookFailed, release.HookSucceeded, release.HookSkipped} {
		h := release.Hook{Phase: "test", Title: markup, State: state, Reason: markup, Message: markup, LogTail: markup, LogNote: markup}
		r.Status.Hooks = append(r.Status.Hooks, h)
	}
	var out bytes.Buffer
	check(t, printers.JUnit(&out, r))
	var report struct {
		Suites []struct {
			Cases []struct {
				Name string `xml:"name,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	check(t, xml.Unmarshal(out.Bytes(), &report))
	if len(report.Suites) != 1 || len(report.Suites[0].Cases) != 3 || report.Suites[0].Cases[0].Name != printers.Line(markup) {
		t.Errorf("it is read as %+v", report)
	}
	if strings.ContainsAny(out.String(), "\x1b\x00\u202e") {
		t.Errorf("a terminal would obey %q", out.String())
	}
}

func junitThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	if err := printers.JUnit(broken{}, deployed()); err == nil {
		t.Error("there is none")
	}
}
