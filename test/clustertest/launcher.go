package clustertest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// start starts a cluster of a name that belongs to this process.
func start(name string) (cluster, error) {
	stdin, owner, err := os.Pipe()
	if err != nil {
		return cluster{}, fmt.Errorf("make a pipe: %w", err)
	}
	defer stdin.Close()
	path, err := launch(stdin, "up", "--owned", "--name="+name)
	if err != nil {
		return cluster{}, errors.Join(err, owner.Close())
	}
	return cluster{kubeconfig: path, owner: owner}, nil
}

// launch runs the program that starts clusters and returns what it prints. Its
// progress goes to the test's standard error.
func launch(stdin *os.File, args ...string) (string, error) {
	dir, err := findLauncher()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", append([]string{"run", "."}, args...)...) //nolint:noctx // It outlives every test.
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	cmd.Stderr = os.Stderr
	if stdin != nil {
		cmd.Stdin = stdin
	}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s in test/cluster: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// findLauncher returns the directory of the program that starts clusters.
func findLauncher() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		launcher := filepath.Join(dir, "test", "cluster")
		_, err := os.Stat(filepath.Join(launcher, "go.mod"))
		if err == nil {
			return launcher, nil
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return "", fmt.Errorf("find test/cluster above the working directory: %w", err)
		}
		dir = parent
	}
}
