package storage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Helm finds its Secrets by their owner. Those of a release that was taken over have another one.
const (
	helmOwner      = "helm"
	helmOwnerAside = "helm-adopted"
	helmKey        = "release"

	helmType corev1.SecretType = "helm.sh/release.v1"
)

// ErrHelmAtWork is returned where Helm has a revision of a release that it is to find no more, which it has made or changed meanwhile.
var ErrHelmAtWork = errors.New("a helm command is working on the release")

// HelmRecords returns what Helm keeps of a release, "" for all releases of the namespace, or kept before the release was taken
// over: oldest first, without Data.
func (s *Secrets) HelmRecords(ctx context.Context, namespace, name string) ([]release.HelmRecord, error) {
	selector := labels.NewSelector()
	owners, err := labels.NewRequirement(labelOwner, selection.In, []string{helmOwner, helmOwnerAside})
	if err != nil {
		return nil, err
	}
	if selector = selector.Add(*owners); name != "" {
		selector = selector.Add(nameRequirement(name)...)
	}
	found, err := s.client.list(ctx, namespace, selector)
	if err != nil {
		return nil, fmt.Errorf("listing Helm's releases: %w", err)
	}
	var records []release.HelmRecord
	for _, secret := range found {
		revision, err := strconv.Atoi(secret.Labels[labelVersion])
		record := release.HelmRecord{
			Namespace: secret.Namespace, Name: secret.Labels[labelName], Revision: revision, Status: secret.Labels[labelStatus],
			Aside: secret.Labels[labelOwner] == helmOwnerAside,
		}
		if err == nil && record.Secret() == secret.Name {
			records = append(records, record)
		}
	}
	slices.SortFunc(records, func(a, b release.HelmRecord) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Revision, b.Revision))
	})
	return records, nil
}

// ReadHelm returns a record with its Data and Labels.
func (s *Secrets) ReadHelm(ctx context.Context, record release.HelmRecord) (release.HelmRecord, error) {
	secret, err := s.client.secrets.Secrets(record.Namespace).Get(ctx, record.Secret(), metav1.GetOptions{})
	if err != nil {
		return record, fmt.Errorf("reading revision %d of Helm's release %s/%s: %w", record.Revision, record.Namespace, record.Name, notFound(err))
	}
	record.Data, record.Labels = secret.Data[helmKey], map[string]string{}
	for key, value := range secret.Labels {
		if !slices.Contains([]string{labelOwner, labelName, labelVersion, labelStatus, "createdAt", "modifiedAt"}, key) {
			record.Labels[key] = value
		}
	}
	return record, nil
}

// PutHelm writes what Helm keeps of a release, one record after another: whether Helm finds it and, where it has Data, its
// status and content; a Secret that is missing is created then. It may be called again after it was cut short. The error is
// ErrHelmAtWork where records are hidden and Helm has another one by now, or has changed one: a command of Helm's has begun.
func (s *Secrets) PutHelm(ctx context.Context, records []release.HelmRecord) error {
	return s.putHelm(ctx, records, nil)
}

// TryHelm submits what PutHelm would write as a dry-run.
func (s *Secrets) TryHelm(ctx context.Context, records []release.HelmRecord) error {
	return s.putHelm(ctx, records, []string{metav1.DryRunAll})
}

func (s *Secrets) putHelm(ctx context.Context, records []release.HelmRecord, dryRun []string) error {
	if err := s.checkComplete(ctx, records); err != nil {
		return err
	}
	for _, record := range records {
		err := s.client.patchHelm(ctx, record, dryRun)
		if apierrors.IsNotFound(err) && record.Data != nil {
			err = s.client.createHelm(ctx, record, dryRun)
		}
		if record.Data == nil {
			// What somebody has deleted is not put aside.
			err = ignoreNotFound(err)
		}
		if err != nil {
			return fmt.Errorf("writing revision %d of Helm's release %s/%s: %w", record.Revision, record.Namespace, record.Name, err)
		}
	}
	return nil
}

// checkComplete makes sure that records which are hidden are all that Helm has of the release, and as they were read.
func (s *Secrets) checkComplete(ctx context.Context, records []release.HelmRecord) error {
	if len(records) == 0 || !records[0].Aside {
		return nil
	}
	found, err := s.HelmRecords(ctx, records[0].Namespace, records[0].Name)
	if err != nil {
		return err
	}
	for _, record := range found {
		same := func(known release.HelmRecord) bool {
			return known.Revision == record.Revision && (known.Status == record.Status || known.Data != nil)
		}
		if !record.Aside && !slices.ContainsFunc(records, same) {
			return atWork(record)
		}
	}
	return nil
}

// CheckHidden makes sure that Helm finds nothing of a release. The error is ErrHelmAtWork where it does: a command of Helm's has begun
// before its records were hidden.
func (s *Secrets) CheckHidden(ctx context.Context, namespace, name string) error {
	found, err := s.HelmRecords(ctx, namespace, name)
	for _, record := range found {
		if !record.Aside {
			return atWork(record)
		}
	}
	return err
}

// atWork is the error for a record that a command of Helm's has written.
func atWork(record release.HelmRecord) error {
	return fmt.Errorf("revision %d of Helm's release %s/%s is %s: %w", record.Revision, record.Namespace, record.Name, record.Status, ErrHelmAtWork)
}

func (c *client) patchHelm(ctx context.Context, record release.HelmRecord, dryRun []string) error {
	secret := encodeHelm(record)
	patch := map[string]any{"metadata": map[string]any{"labels": map[string]string{labelOwner: secret.Labels[labelOwner]}}}
	if record.Data != nil {
		patch = map[string]any{"metadata": map[string]any{"labels": secret.Labels}, "data": secret.Data}
	}
	body, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	options := patchOptions()
	options.DryRun = dryRun
	_, err = patience.Repeat(ctx, func() error {
		_, err := c.secrets.Secrets(record.Namespace).Patch(ctx, record.Secret(), types.MergePatchType, body, options)
		return err
	})
	return err
}

func (c *client) createHelm(ctx context.Context, record release.HelmRecord, dryRun []string) error {
	options := createOptions()
	options.DryRun = dryRun
	unsure, err := patience.Repeat(ctx, func() error {
		_, err := c.secrets.Secrets(record.Namespace).Create(ctx, encodeHelm(record), options)
		return err
	})
	if unsure && apierrors.IsAlreadyExists(err) {
		return c.patchHelm(ctx, record, dryRun)
	}
	return err
}

// encodeHelm is a record as Helm writes it.
func encodeHelm(record release.HelmRecord) *corev1.Secret {
	owner := helmOwner
	if record.Aside {
		owner = helmOwnerAside
	}
	labels := map[string]string{}
	maps.Copy(labels, record.Labels)
	maps.Copy(labels, map[string]string{
		labelOwner: owner, labelName: record.Name, labelVersion: strconv.Itoa(record.Revision), labelStatus: record.Status,
	})
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: record.Secret(), Namespace: record.Namespace, Labels: labels},
		Type:       helmType,
		Data:       map[string][]byte{helmKey: record.Data},
	}
}
