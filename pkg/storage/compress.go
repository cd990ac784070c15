package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"k8s.io/apimachinery/pkg/util/json"
)

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// encoder compresses whole contents, for any number of callers. A new one takes a hundred times as long as a small content.
//
//nolint:gochecknoglobals // Its tables are for the whole process.
var encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
})

func compress(content []byte) ([]byte, error) {
	shared, err := encoder()
	if err != nil {
		return nil, err
	}
	return shared.EncodeAll(content, nil), nil
}

// decompress reads what compress has made. It takes no more memory than the content needs, whatever the content says of its size.
func decompress(compressed []byte, limit int, into any) error {
	decoder, err := zstd.NewReader(bytes.NewReader(compressed),
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true))
	if err != nil {
		return fmt.Errorf("%w: decompressing it: %w", ErrDamaged, err)
	}
	defer decoder.Close()
	content, err := io.ReadAll(io.LimitReader(decoder, int64(limit)+1))
	if err != nil {
		return fmt.Errorf("%w: decompressing it: %w", ErrDamaged, err)
	}
	if len(content) > limit {
		return fmt.Errorf("%w: it decompresses to more than %d MiB", ErrDamaged, limit>>20)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%w: reading it: %w", ErrDamaged, err)
	}
	return nil
}
