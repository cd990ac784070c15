package storage

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/util/json"
)

// few is a list of at most some items. A record that somebody has edited may list millions of them in few bytes, and they take
// much more memory and time than their text.
type few[T any] struct {
	most  int
	items []T
}

// UnmarshalJSON implements json.Unmarshaler. The error of a list that is too long comes as soon as that is known.
func (f *few[T]) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("null")) {
		return nil
	}
	decoder := stdjson.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != stdjson.Delim('[') {
		return errors.New("it is no list")
	}
	for decoder.More() {
		if len(f.items) == f.most {
			return fmt.Errorf("it lists more than %d objects", f.most)
		}
		var item T
		var raw stdjson.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &item); err != nil {
			return err
		}
		f.items = append(f.items, item)
	}
	return nil
}
