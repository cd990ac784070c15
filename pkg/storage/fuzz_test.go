package storage

import (
	"encoding/json"
	"errors"
	"runtime"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// bombs are small, and claim or unpack to far more.
func bombs(t testing.TB) map[string][]byte {
	t.Helper()
	return map[string][]byte{
		// A frame header without content: one segment of 4 GiB; and a window of 64 MiB.
		"a size that is not there":   {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0},
		"a window that is not there": {0x28, 0xb5, 0x2f, 0xfd, 0x00, 16 << 3},
		"half a gigabyte of nothing": compressed(t, make([]byte, 512<<20)),
		"an object in every third byte": compressed(t, func() []byte {
			objects := []byte("[{}")
			for range 1 << 20 {
				objects = append(objects, ",{}"...)
			}
			return append(objects, ']')
		}()),
	}
}

func compressed(t testing.TB, content []byte) []byte {
	t.Helper()
	text, err := compress(content)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func compressedJSON(t testing.TB, value any) []byte {
	t.Helper()
	content, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return compressed(t, content)
}

// allocated runs do and returns how many bytes were allocated meanwhile.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// decompressLimit is what fuzzed content may decompress to, and decompressCost what that may take: the window, and a text of
// nothing but empty objects.
const (
	decompressLimit = 64 << 10
	decompressCost  = 64 << 20
)

func FuzzDecompress(f *testing.F) {
	f.Add(compressedJSON(f, release.Content{Manifest: "a: b", Values: map[string]any{"a": 1}}))
	f.Add(compressedJSON(f, []release.Entry{{Kind: "Job", Name: "a"}}))
	f.Add(compressed(f, nil))
	f.Add([]byte{})
	for _, bomb := range bombs(f) {
		f.Add(bomb)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, into := range []any{new(release.Content), new([]release.Entry)} {
			var err error
			if cost := allocated(func() { err = decompress(content, decompressLimit, into) }); cost > decompressCost {
				t.Errorf("decompressing %d bytes took %d", len(content), cost)
			}
			if err != nil && !errors.Is(err, ErrDamaged) {
				t.Errorf("the error is %v", err)
			}
		}
	})
}

func TestDecompress(t *testing.T) { //nolint:paralleltest // It counts what is allocated.
	// Far below what the bombs claim, and a little more than the limit costs.
	const most = 64 << 20
	for title, bomb := range bombs(t) { //nolint:paralleltest // As above.
		t.Run(title, func(t *testing.T) {
			var entries []release.Entry
			var err error
			if cost := allocated(func() { err = decompress(bomb, 2<<20, &entries) }); cost > most {
				t.Errorf("it took %d bytes", cost)
			}
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	status := []byte(`{"phase":"failed","hooks":[{"title":"a"}],"startedAt":"2026-03-01T10:00:00Z"}`)
	content := []byte(`{"manifest":"a: b","values":{"a":[1,1.5,1e300,-0,{"b":null}],"":9007199254740993},"pack":{"name":"a","version":"1.0.0"}}`)
	entries := []byte(`[{"group":"batch","version":"v1","kind":"Job","name":"a","phases":["test"]},{"kind":"Job","name":"a"},{"kind":"Job","name":"b"}]`)
	f.Add("1", "1", status, content, entries, false)
	f.Add("1", "3", status, compressed(f, content), compressed(f, entries), true)
	f.Add("2", "0", []byte("null"), []byte{}, []byte("[null]"), false)
	f.Add("1", "9223372036854775807", []byte(`{"phase":1}`), []byte("{}x"), []byte{}, false)
	f.Add("-1", "-1", []byte(`{"phase":"a","startedAt":"x"}`), []byte(`{"values":{"a":1e999}}`), []byte("{}"), false)
	f.Fuzz(func(t *testing.T, format, parts string, status, content, inventory []byte, asIs bool) {
		if !asIs {
			content, inventory = compressed(t, content), compressed(t, inventory)
		}
		head, stored := record(format, parts, status, content, inventory)
		found, err := decodeWhole(head, stored)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewerFormat) {
				t.Errorf("the error is %v", err)
			}
			return
		}
		checkAgain(t, found)
	})
}

// record is a stored revision with these contents, all parts of a kind being the same.
func record(format, parts string, status, content, inventory []byte) (*corev1.Secret, map[string]*corev1.Secret) {
	head := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: headName("a", 1), Namespace: "default",
			Labels:      map[string]string{labelName: "a", labelVersion: "1", labelRun: "run", labelStatus: "failed"},
			Annotations: map[string]string{annotationFormat: format, annotationPayloadParts: "1", annotationInventoryParts: parts, annotationPayloadDigest: digest(content)},
		},
		Data: map[string][]byte{statusKey: status},
	}
	stored := map[string]*corev1.Secret{}
	r := release.New("a", "default", 1)
	for number := range 3 {
		for kind, data := range map[string][]byte{payloadKind: content, inventoryKind: inventory} {
			stored[partName(r, "run", kind, number)] = &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{annotationFormat: "1"}},
				Data:       map[string][]byte{partKey: data},
			}
		}
	}
	return head, stored
}

// decodeWhole is decode with what is damaged as an error.
func decodeWhole(head *corev1.Secret, parts map[string]*corev1.Secret) (*release.Release, error) {
	found, err := decode(head, parts)
	if err == nil {
		err = found.Record.Damage.Err()
	}
	return found, err
}

// checkAgain checks that what was read can be stored, and is then read as the same.
func checkAgain(t *testing.T, r *release.Release) {
	t.Helper()
	parts, counts, err := encodeParts(r, r.Record.Run)
	if err != nil {
		t.Fatal(err)
	}
	head, err := encodeHead(r, counts, r.Record.Run)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*corev1.Secret{}
	for _, part := range parts {
		byName[part.Name] = part
	}
	again, err := decodeWhole(head, byName)
	if err != nil {
		t.Fatal(err)
	}
	if head.Annotations[annotationInventoryParts] != strconv.Itoa(len(again.Record.Inventory)) {
		t.Errorf("%d parts are read", len(again.Record.Inventory))
	}
	if diff := cmp.Diff(r, again, cmpopts.EquateEmpty(), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("read again (-first +second):\n%s", diff)
	}
}
