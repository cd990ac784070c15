//go:build unix

package e2e

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// edit is what somebody has done to the record of a release.
type edit struct {
	// do changes the Secrets of the newest revision, by the kind of the part: head, payload, inventory.
	do func(record map[string]*corev1.Secret)
	// lost is what cannot be read any more: head, content or inventory; all, where a newer version may have written it; empty
	// for nothing.
	lost string
}

// answers are the exit codes of the commands that only read, and of those that would change something.
func (e edit) answers() map[string]int {
	codes := map[string]int{"status": 0, "get": 0, "rollback": 0, "uninstall": 0, "upgrade": 0}
	for command := range codes {
		if e.lost == "all" || e.lost == "content" && command != "status" {
			codes[command] = 1
		}
	}
	return codes
}

// says is in what the commands print that need what was lost.
func (e edit) says() string {
	switch e.lost {
	case "":
		return ""
	case "all":
		return "written by a newer version"
	}
	return "the stored record is damaged"
}

// Whoever may write Secrets can write anything into a record. No command breaks down over it or takes for long. What cannot be
// read is said, and done without where that does no harm.
//
//nolint:tparallel // They share the release.
func TestEditedRecordsAreRefused(t *testing.T) {
	t.Parallel()
	session, client := newSession(t), kubernetes.NewForConfigOrDie(clustertest.Config(t))
	folder := t.TempDir()
	write(t, folder+"/Pack.yaml", plainPack)
	write(t, folder+"/templates/hostile.yaml", plainTemplate+"data: {a: \"{{ release.revision }}\"}\n")
	session.run(t, "install", "hostile", folder)
	session.run(t, "upgrade", "hostile", folder)
	whole := readRecord(t, client, session.namespace)
	edits := edits(whole)
	for _, title := range sample(t, slices.Sorted(maps.Keys(edits)), *rows) { //nolint:paralleltest // As above.
		edit := edits[title]
		t.Run(title, func(t *testing.T) {
			edited := map[string]*corev1.Secret{}
			for kind, secret := range whole {
				edited[kind] = secret.DeepCopy()
			}
			edit.do(edited)
			replaceRecord(t, client, session.namespace, edited)
			defer replaceRecord(t, client, session.namespace, whole)
			session.proxy.Reset()
			for _, command := range [][]string{
				{"status", "hostile"},
				{"get", "manifest", "hostile"},
				{"get", "values", "hostile", "--all"},
				{"rollback", "hostile", "2", "--dry-run=client"},
				{"uninstall", "hostile", "--dry-run=client"},
				{"upgrade", "hostile", folder, "--dry-run=client"},
			} {
				got, want := session.bounded(t, command...), edit.answers()[command[0]]
				quiet := command[0] == "get" && want == 0
				if got.code != want || !quiet && !strings.Contains(got.stderr, edit.says()) {
					t.Errorf("%s: exit code %d, want %d and %q: %.500s", command[0], got.code, want, edit.says(), got.stderr)
				}
			}
			for _, command := range [][]string{{"list"}, {"history", "hostile"}} {
				session.bounded(t, command...)
			}
			if found := session.changes(); len(found) > 0 {
				t.Errorf("%d requests that write: %v", len(found), found)
			}
		})
	}
	session.run(t, "uninstall", "hostile")
}

func readRecord(t *testing.T, client kubernetes.Interface, namespace string) map[string]*corev1.Secret {
	t.Helper()
	list, err := client.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "owner=sherpack,version=2"})
	if err != nil || len(list.Items) != 3 {
		t.Fatalf("%d Secrets: %v", len(list.Items), err)
	}
	record := map[string]*corev1.Secret{}
	for i := range list.Items {
		secret := &list.Items[i]
		kind, _, _ := strings.Cut(secret.Labels["part"], "-")
		if kind == "" {
			kind = "head"
		}
		secret.UID, secret.ResourceVersion, secret.ManagedFields = "", "", nil
		record[kind] = secret
	}
	return record
}

// replaceRecord makes the Secrets anew, because some cannot be changed. One that is not among them is gone.
func replaceRecord(t *testing.T, client kubernetes.Interface, namespace string, record map[string]*corev1.Secret) {
	t.Helper()
	secrets := client.CoreV1().Secrets(namespace)
	if err := secrets.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "version=2"}); err != nil {
		t.Fatal(err)
	}
	for _, secret := range record {
		if err := secrets.Delete(t.Context(), secret.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		if _, err := secrets.Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

func edits(whole map[string]*corev1.Secret) map[string]edit {
	status := func(text string) func(map[string]*corev1.Secret) {
		return func(record map[string]*corev1.Secret) { record["head"].Data["status"] = []byte(text) }
	}
	annotation := func(kind, key, value string) func(map[string]*corev1.Secret) {
		return func(record map[string]*corev1.Secret) { record[kind].Annotations["sherpack.io/"+key] = value }
	}
	part := func(kind string, content []byte) func(map[string]*corev1.Secret) {
		return func(record map[string]*corev1.Secret) { record[kind].Data["part"] = content }
	}
	bytes := whole["payload"].Data["part"]
	return map[string]edit{
		"nothing":                           {do: func(map[string]*corev1.Secret) {}},
		"a newer format":                    {do: annotation("head", "format-version", "2"), lost: "all"},
		"a newer format of a part":          {do: annotation("payload", "format-version", "2"), lost: "all"},
		"a format that is no number":        {do: annotation("head", "format-version", "\x1b[2J"), lost: "head"},
		"a format without end":              {do: annotation("head", "format-version", strings.Repeat("9", 1000)), lost: "head"},
		"no status":                         {do: status(""), lost: "head"},
		"a status cut off":                  {do: status(string(whole["head"].Data["status"][:20])), lost: "head"},
		"a status of another form":          {do: status(`{"phase":{"a":1}}`), lost: "head"},
		"a status that is nested":           {do: status(strings.Repeat("[", 500_000)), lost: "head"},
		"a status that is no text":          {do: status("\xff\xfe\x00"), lost: "head"},
		"a status without phase":            {do: status("{}"), lost: "head"},
		"many parts":                        {do: annotation("head", "payload-parts", "999999999"), lost: "content"},
		"a number of parts below one":       {do: annotation("head", "payload-parts", "-1"), lost: "content"},
		"many parts of inventory":           {do: annotation("head", "inventory-parts", "9223372036854775807"), lost: "inventory"},
		"another checksum":                  {do: annotation("head", "payload-sha256", "x"), lost: "content"},
		"a payload that is gone":            {do: func(record map[string]*corev1.Secret) { delete(record, "payload") }, lost: "content"},
		"an inventory that is gone":         {do: func(record map[string]*corev1.Secret) { delete(record, "inventory") }, lost: "inventory"},
		"a payload cut off":                 {do: part("payload", bytes[:len(bytes)/2]), lost: "content"},
		"no payload":                        {do: part("payload", nil), lost: "content"},
		"an inventory that is none":         {do: part("inventory", []byte("x")), lost: "inventory"},
		"parts exchanged":                   {do: part("inventory", bytes), lost: "inventory"},
		"an inventory that unpacks to much": {do: part("inventory", packed(io.LimitReader(zero{}, 300<<20))), lost: "inventory"},
		"an inventory of many":              {do: part("inventory", packed(strings.NewReader("["+strings.Repeat("{},", 1_300_000)+"{}]"))), lost: "inventory"},
		"no state":                          {do: func(record map[string]*corev1.Secret) { delete(record["head"].Labels, "status") }, lost: "head"},
		"a state that is none":              {do: func(record map[string]*corev1.Secret) { record["head"].Labels["status"] = "bogus" }, lost: "head"},
		"many adopted objects":              {do: adopted(400_000)},
		"a revision that is none":           {do: func(record map[string]*corev1.Secret) { record["head"].Labels["version"] = "two" }, lost: "head"},
	}
}

// adopted adds to a record a part that says what many objects were.
func adopted(count int) func(map[string]*corev1.Secret) {
	return func(record map[string]*corev1.Secret) {
		var text strings.Builder
		for i := range count {
			fmt.Fprintf(&text, `,{"kind":"ConfigMap","name":"c-%d","owner":"","object":{}}`, i)
		}
		part := record["inventory"].DeepCopy()
		part.Name, part.Type = strings.Replace(part.Name, "inventory", "former", 1), "sherpack.io/release-former.v1"
		part.Labels["part"], part.Data["part"] = "former-0", packed(strings.NewReader("["+text.String()[1:]+"]"))
		part.Annotations["sherpack.io/first"], part.Annotations["sherpack.io/count"] = "0", "1"
		record["former"] = part
	}
}

func packed(content io.Reader) []byte {
	var text strings.Builder
	encoder, err := zstd.NewWriter(&text)
	if err == nil {
		_, err = io.Copy(encoder, content)
	}
	if err == nil {
		err = encoder.Close()
	}
	if err != nil {
		return nil
	}
	return []byte(text.String())
}

// A lease that somebody has edited locks the release, or does not; its text is not obeyed by a terminal.
func TestAnEditedLeaseIsShownAsText(t *testing.T) {
	t.Parallel()
	session, client := newSession(t), kubernetes.NewForConfigOrDie(clustertest.Config(t))
	folder := t.TempDir()
	write(t, folder+"/Pack.yaml", plainPack)
	write(t, folder+"/templates/hostile.yaml", plainTemplate)
	holder := "somebody"
	for title, text := range map[string]string{
		"control characters": `{"host":"\u001b[2J\u009b31m\u202ehost","operation":"\u0007","step":"\r"}`,
		"no JSON":            "x",
		"another form":       `{"host":1}`,
		"nested":             strings.Repeat("[", 200_000),
	} {
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
			Name: "sh.sherpack.release.v1.hostile", Annotations: map[string]string{"sherpack.io/holder": text},
		}, Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder}}
		leases := client.CoordinationV1().Leases(session.namespace)
		if _, err := leases.Create(t.Context(), lease, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		got := session.bounded(t, "install", "hostile", folder)
		if got.code != 5 || !strings.Contains(got.stderr, "is locked by") || strings.ContainsAny(got.stderr, "\x1b\u009b\u202e\a\r") {
			t.Errorf("%s: exit code %d: %q", title, got.code, got.stderr)
		}
		if err := leases.Delete(t.Context(), lease.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if found := session.changes(); len(found) > 0 {
		t.Errorf("%d requests that write: %v", len(found), found)
	}
}
