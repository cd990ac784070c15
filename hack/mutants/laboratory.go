package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// laboratory is where mutants are run.
type laboratory struct {
	limit    time.Duration
	parallel int
	// cluster says that there is a control plane to run tests against.
	cluster bool
}

// verdict is how a mutant fared.
type verdict struct {
	mutant
	// killer is the test that noticed; empty where none did.
	killer string
	// skipped says that tests which might have noticed could not be run.
	skipped bool
	err     error
	took    time.Duration
}

// control runs the tests of some mutants on the program as it is: a test that fails anyway notices nothing.
func (l laboratory) control(ctx context.Context, mutants []mutant) error {
	runs := map[string][]string{}
	for _, m := range mutants {
		for _, s := range m.tests {
			if !slices.Contains(runs[s.pkg], s.run) && (l.cluster || !s.usesCluster()) {
				runs[s.pkg] = append(runs[s.pkg], s.run)
			}
		}
	}
	for pkg, patterns := range runs {
		// Patterns for parts of a test cannot be joined to one.
		for _, pattern := range patterns {
			killer, err := l.test(ctx, suite{pkg, pattern}, "")
			if err == nil && killer != "" {
				err = fmt.Errorf("%s fails without a mutation", killer)
			}
			if err != nil {
				return fmt.Errorf("%s -run '%s': %w", pkg, pattern, err)
			}
		}
	}
	return nil
}

// runAll runs mutants, several at a time, and prints what became of them.
func (l laboratory) runAll(ctx context.Context, mutants []mutant) error {
	verdicts := make([]verdict, len(mutants))
	turns := make(chan struct{}, l.parallel)
	var mu sync.Mutex
	var work sync.WaitGroup
	for i, m := range mutants {
		turns <- struct{}{}
		work.Go(func() {
			defer func() { <-turns }()
			found := l.verdict(ctx, m)
			mu.Lock()
			defer mu.Unlock()
			verdicts[i] = found
			fmt.Printf("%-10s %s (%s)\n", found.word(), m.name, found.took.Round(time.Second))
			if found.killer != "" {
				fmt.Printf("           by %s\n", found.killer)
			}
		})
	}
	work.Wait()
	return summary(verdicts)
}

// verdict runs the tests of a mutant up to the first that notices.
func (l laboratory) verdict(ctx context.Context, m mutant) (found verdict) {
	start := time.Now()
	found.mutant = m
	defer func() { found.took = time.Since(start) }()
	overlay, clean, err := m.overlay()
	if err != nil {
		found.err = err
		return found
	}
	defer clean()
	for _, s := range m.tests {
		if s.usesCluster() && !l.cluster {
			found.skipped = true
			continue
		}
		if found.killer, found.err = l.test(ctx, s, overlay); found.err != nil || found.killer != "" {
			return found
		}
	}
	return found
}

// overlay writes a mutant's file and an overlay that has it built in place of the real one.
func (m mutant) overlay() (file string, clean func(), err error) {
	text, err := m.mutated(".")
	if err != nil {
		return "", nil, err
	}
	folder, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return "", nil, err
	}
	clean = func() { _ = os.RemoveAll(folder) }
	replacement, file := filepath.Join(folder, filepath.Base(m.file)), filepath.Join(folder, "overlay.json")
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", clean, err
	}
	content, err := json.Marshal(map[string]map[string]string{"Replace": {original: replacement}})
	if err != nil {
		return "", clean, err
	}
	return file, clean, errors.Join(os.WriteFile(replacement, text, 0o600), os.WriteFile(file, content, 0o600))
}

var (
	failure   = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	hanging   = regexp.MustCompile(`(?m)^\s+(Test\S+) \(`)
	building  = regexp.MustCompile(`(?m)\[(build|setup) failed\]|building the program: `)
	panicking = regexp.MustCompile(`(?m)^panic: `)
)

// test runs tests with an overlay, "" for none, and returns the name of one that fails; "" where all pass.
func (l laboratory) test(ctx context.Context, s suite, overlay string) (string, error) {
	command := exec.CommandContext(ctx, "go", "test", "-count", "1", "-failfast", "-timeout", l.limit.String(), "-run", s.run, s.pkg)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if overlay != "" {
		// In the environment it reaches the builds that tests start, too.
		command.Env = append(command.Env, strings.TrimSpace("GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay))
	}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	text := output.String()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case strings.Contains(text, "no tests to run"):
		return "", fmt.Errorf("%s has no test %s", s.pkg, s.run)
	case err == nil:
		return "", nil
	case building.MatchString(text):
		return "", fmt.Errorf("it does not compile:\n%s", text)
	}
	if killer := killerIn(text, s); killer != "" {
		return killer, nil
	}
	return "", fmt.Errorf("%w:\n%s", err, text)
}

// killerIn reads what has noticed a mutant out of what go test has printed about a suite; "" where nothing has.
func killerIn(text string, s suite) string {
	if found := failure.FindAllStringSubmatch(text, -1); found != nil {
		return found[len(found)-1][1]
	}
	if found := hanging.FindStringSubmatch(text); found != nil {
		return found[1] + " (does not end)"
	}
	if panicking.MatchString(text) {
		// In a goroutine of the program, which is no test's.
		return s.pkg + " (panics)"
	}
	return ""
}
