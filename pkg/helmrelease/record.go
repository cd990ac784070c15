// Package helmrelease converts between the revisions of Helm's releases and of ours. It reaches no cluster.
package helmrelease

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	releasev1 "helm.sh/helm/v4/pkg/release/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// maxContent is how many bytes are read of a record: it has at most 1 MiB, compressed, and nothing that is real comes near this.
const maxContent = 128 << 20

// ErrUnreadable is returned for a record that is not one of Helm's.
var ErrUnreadable = errors.New("the record of Helm's release cannot be read")

// TooLargeError is a record that does not fit into the one Secret that Helm keeps it in.
type TooLargeError struct{ Size int }

// Error says how large it is.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("its record would have %d bytes, and Helm keeps at most %d (1 MiB) in one Secret", e.Size, release.MaxHelmRecord)
}

// Decode reads the data of a record, which must be about the release and the revision that its Secret names.
func Decode(record release.HelmRecord) (*releasev1.Release, error) {
	text, err := unpack(record.Data)
	if err != nil {
		return nil, unreadable(record, err)
	}
	var found releasev1.Release
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, unreadable(record, err)
	}
	switch {
	case found.Name != record.Name || found.Namespace != record.Namespace || found.Version != record.Revision:
		return nil, unreadable(record, fmt.Errorf("it is about revision %d of %s/%s", found.Version, found.Namespace, found.Name))
	case found.Info == nil || found.Chart == nil || found.Chart.Metadata == nil:
		return nil, unreadable(record, errors.New("it has no chart, or no status"))
	}
	return &found, nil
}

func unreadable(record release.HelmRecord, err error) error {
	return fmt.Errorf("secret %s/%s: %w: %w", record.Namespace, record.Secret(), ErrUnreadable, err)
}

// unpack is the JSON of a record. Before Helm compressed it, it was plain.
func unpack(data []byte) ([]byte, error) {
	packed, err := base64.StdEncoding.DecodeString(string(data))
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(packed, []byte{0x1f, 0x8b, 0x08}) {
		return packed, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(reader, maxContent+1))
	if err == nil && len(text) > maxContent {
		err = fmt.Errorf("it has more than %d bytes", maxContent)
	}
	return text, err
}

// encode encodes a record as Helm does. The error is a *TooLargeError where Helm could not keep it.
func encode(content any) ([]byte, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(text); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	data := []byte(base64.StdEncoding.EncodeToString(packed.Bytes()))
	if len(data) > release.MaxHelmRecord {
		return nil, &TooLargeError{len(data)}
	}
	return data, nil
}

// Supersede returns a record that says that another revision is deployed in place of its own. All else in it stays, whatever
// version of Helm has written it.
func Supersede(record release.HelmRecord) (release.HelmRecord, error) {
	text, err := unpack(record.Data)
	if err != nil {
		return record, unreadable(record, err)
	}
	var whole, info map[string]json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return record, unreadable(record, err)
	}
	if err := json.Unmarshal(whole["info"], &info); err != nil {
		return record, unreadable(record, err)
	}
	info["status"] = json.RawMessage(`"superseded"`)
	if whole["info"], err = json.Marshal(info); err != nil {
		return record, err
	}
	record.Status = "superseded"
	record.Data, err = encode(whole)
	return record, err
}
