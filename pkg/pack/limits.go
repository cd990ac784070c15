package pack

import (
	"fmt"
	"io"
	"time"
)

// The bounds of a pack, folder or archive.
const (
	maxEntries = 10_000
	maxFile    = 5 << 20
	maxTotal   = 100 << 20
	// maxNesting bounds how deep packs and charts lie in each other.
	maxNesting = 10
)

// budget is what a pack may still contain.
type budget struct {
	entries int
	bytes   int64
}

func newBudget() *budget { return &budget{entries: maxEntries, bytes: maxTotal} }

// entry takes one file or folder from the budget.
func (b *budget) entry() error {
	if b.entries--; b.entries < 0 {
		return fmt.Errorf("more than %d files and folders", maxEntries)
	}
	return nil
}

// read takes the contents of one file. It reads no more than is allowed, whatever a header says.
func (b *budget) read(from io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, min(maxFile, b.bytes)+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxFile:
		return nil, fmt.Errorf("larger than %d MiB", maxFile>>20)
	case int64(len(data)) > b.bytes:
		return nil, fmt.Errorf("the pack is larger than %d MiB", maxTotal>>20)
	}
	b.bytes -= int64(len(data))
	return data, nil
}

// bounded is a reader that fails once it has read more than it may.
type bounded struct {
	from        io.Reader
	limit, left int64
}

func newBounded(from io.Reader, limit int64) *bounded {
	return &bounded{from: from, limit: limit, left: limit}
}

// Read implements io.Reader.
func (b *bounded) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("unpacks to more than %d MiB, headers and padding included", b.limit>>20)
	}
	n, err := b.from.Read(into[:min(int64(len(into)), b.left)])
	b.left -= int64(n)
	return n, err
}

// validationTime is how long values may be compared with a schema: one whose parts each refer to the next several times takes
// ages, however short it is.
const validationTime = 20 * time.Second

// within calls a function and returns its error, or another where it takes longer than it may. It is not ended then: the
// program is about to end itself.
func within(limit time.Duration, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("it takes longer than %s", limit)
	}
}
