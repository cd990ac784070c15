package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/helmrelease"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// HandoverFlags are the flags of handover.
type HandoverFlags struct {
	Run      RunFlags
	Releases severalFlags
	ToHelm   bool
}

// HandoverOptions are what giving a release to Helm needs.
type HandoverOptions struct{ RunOptions }

func newHandoverCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := HandoverFlags{Run: RunFlags{Getter: getter, IOStreams: streams, NoHooks: true}}
	command := &cobra.Command{
		Use:   "handover [NAME...]",
		Short: "Give a release to Helm, without changing what runs",
		Long: templates.LongDesc(`
			Give a release to Helm, as adopt has taken it over. helm list shows it then, and helm upgrade, rollback and uninstall
			work. Labels, annotations and field managers of its objects change hands; nothing else of them does, so no Pod
			restarts. The record of the release is removed here.

			Only releases of Helm charts can be given to Helm. Revisions that Helm had before come back; what was done since is
			one more revision.

			If the command is interrupted, run it again; it continues.`),
		Example: templates.Examples(`
			# Show what would be given to Helm, and submit it as a dry run
			kubectl sherpack handover myshop --to-helm --dry-run=server

			# Give a release to Helm
			kubectl sherpack handover myshop --to-helm`),
		Args: flags.Releases.Args,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !flags.ToHelm {
				return &UsageError{cmd.CommandPath(), errors.New("releases are given to Helm: add --to-helm")}
			}
			return flags.Releases.Each(cmd, args, &flags.Run, ownReleases, func(run RunOptions) error {
				return (&HandoverOptions{run}).Run(cmd.Context())
			})
		},
	}
	flags.AddFlags(command)
	return command
}

// AddFlags adds the flags.
func (f *HandoverFlags) AddFlags(command *cobra.Command) {
	f.Run.AddFlags(command)
	f.Releases.AddFlags(command, "Give all releases of the namespace to Helm.")
	command.Flags().BoolVar(&f.ToHelm, "to-helm", false, "Give the release to Helm.")
}

// ownReleases returns the names of the releases of the namespace that are not uninstalled.
func ownReleases(ctx context.Context, at *connection) ([]string, error) {
	releases, err := at.store.List(ctx, at.namespace, nil)
	var names []string
	for _, r := range releases {
		if r.Status.Phase != release.Uninstalled {
			names = append(names, r.Name)
		}
	}
	return names, err
}

// Run gives the release to Helm.
func (o *HandoverOptions) Run(ctx context.Context) error {
	given, err := perform(ctx, o.RunOptions, release.OperationHandover, o.plan)
	if given == nil && errors.Is(err, storage.ErrNotFound) && !o.isDry() {
		given, err = o.sweep(ctx, release.OperationHandover, err)
	}
	if errors.Is(err, storage.ErrNotFound) && o.isHelms(ctx) {
		given, err = &performed{Result: plan.Result{Release: release.New(o.Name, "", 0)}}, nil
	}
	if err != nil {
		return o.Output.PrintFailed(given, err, o.Out)
	}
	return o.Output.PrintRun(given, "handed over to Helm", o.DryRun, o.Out)
}

// isHelms reports whether Helm has the release, as far as that can be read: it was given to Helm before.
func (o *HandoverOptions) isHelms(ctx context.Context) bool {
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return false
	}
	defer at.Close()
	records, err := at.store.HelmRecords(ctx, at.namespace, o.Name)
	return err == nil && len(listed(records)) > 0
}

func (o *HandoverOptions) plan(ctx context.Context, at planning) (*proposal, error) {
	history, err := at.records.History(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	request, err := at.betweenRequest(ctx, history, o.Plan)
	if err != nil {
		return nil, err
	}
	records, err := at.store.HelmRecords(ctx, at.namespace, o.Name)
	if err == nil {
		err = checkGiven(request.Release, records)
	}
	if err != nil {
		return nil, err
	}
	revision := helmRevision(request.Release, records)
	switch gone, err := isGoneFromHelm(ctx, at, request.Release, records); {
	case err != nil:
		return nil, err
	case gone:
		planned, err := plan.Give(request, nil, revision)
		note := fmt.Sprintf("helm uninstall has removed release %q meanwhile; removing its record", o.Name)
		return &proposal{Plan: planned, notes: []string{note}}, err
	}
	written, err := o.write(ctx, at, request, records, revision)
	if err != nil {
		return nil, err
	}
	planned, err := plan.Give(request, written, revision)
	return &proposal{Plan: planned}, err
}

// isGoneFromHelm reports whether a release that was being given to Helm was uninstalled by it meanwhile: neither is the record there
// that Helm was to have, nor any object that Helm deletes.
func isGoneFromHelm(ctx context.Context, at planning, newest *release.Release, records []release.HelmRecord) (bool, error) {
	given := func(record release.HelmRecord) bool { return record.Revision == newest.Status.ToHelm }
	if newest.Status.ToHelm == 0 || slices.ContainsFunc(records, given) {
		return false, nil
	}
	var refs []corev1.ObjectReference
	for _, entry := range newest.Inventory {
		if entry.UID != "" && entry.Role == release.Regular && !kinds.IsDefinition(entry.GroupKind()) {
			refs = append(refs, entry.Reference())
		}
	}
	found, err := at.cluster.Find(ctx, refs)
	for i, object := range found {
		if object != nil && object.UID == refs[i].UID {
			return false, err
		}
	}
	return len(refs) > 0, err
}

// checkGiven refuses to give a release to Helm that is none of a chart, is not as it should be, or that Helm has already.
func checkGiven(newest *release.Release, records []release.HelmRecord) error {
	switch between := isBetween(newest); {
	case newest.Status.Phase != release.Deployed && !between:
		return fmt.Errorf("release %q: revision %d is %s; only a release that is deployed can be given to Helm: upgrade it, or roll it back",
			newest.Name, newest.Spec.Revision, state(newest))
	case !newest.Content.Chart:
		return inputError{fmt.Errorf("release %q: revision %d was made from a pack; only releases of Helm charts can be given to Helm",
			newest.Name, newest.Spec.Revision)}
	case len(listed(records)) > 0 && !between:
		return fmt.Errorf("release %q: Helm has a release of that name in this namespace", newest.Name)
	}
	return nil
}

// helmRevision is the number of the revision that Helm has of a release afterwards: the one that was taken over, where nothing has
// changed since; else one more than it had.
func helmRevision(newest *release.Release, records []release.HelmRecord) int {
	highest := 0
	for _, record := range records {
		highest = max(highest, record.Revision)
	}
	kept := slices.ContainsFunc(records, func(record release.HelmRecord) bool { return record.Revision == newest.Spec.FromHelm })
	switch {
	case newest.Status.ToHelm != 0:
		return newest.Status.ToHelm
	case newest.Spec.FromHelm != 0 && kept:
		return newest.Spec.FromHelm
	}
	return highest + 1
}

// write returns the records that Helm is to have, in the order in which they are written. One that is new comes first, so that Helm
// finds the one that is deployed as soon as it finds any. Others that say they are deployed are superseded: those that were hidden
// say what they said then, also if the release has come and gone since.
func (o *HandoverOptions) write(ctx context.Context, at planning, request plan.Request, records []release.HelmRecord, revision int) ([]release.HelmRecord, error) {
	var written []release.HelmRecord
	var before *release.HelmRecord
	exists := false
	for _, record := range records {
		exists = exists || record.Revision == revision
		isCurrent := record.Revision == revision || record.Revision > revision && !record.Aside
		if record.Status == helmDeployed && !isCurrent {
			whole, err := at.store.ReadHelm(ctx, record)
			if err == nil {
				record, err = helmrelease.Supersede(whole)
			}
			if err != nil {
				return nil, err
			}
			before = &whole
		}
		record.Aside = false
		written = append(written, record)
	}
	if exists {
		return written, nil
	}
	next, err := o.next(request, before, revision)
	if err != nil {
		return nil, fmt.Errorf("release %q cannot be given to Helm: %w", o.Name, err)
	}
	return append([]release.HelmRecord{next}, written...), nil
}

// next is the revision that Helm has not had. before is the one that it had deployed, nil for none: as at an upgrade by Helm, its
// labels stay, and when it was deployed first.
func (o *HandoverOptions) next(request plan.Request, before *release.HelmRecord, revision int) (release.HelmRecord, error) {
	making := helmrelease.Making{Revision: revision, Now: time.Now()}
	making.First = making.Now
	if before != nil {
		var err error
		if making.First, err = helmrelease.FirstDeployed(*before); err != nil {
			return release.HelmRecord{}, err
		}
		making.Labels = before.Labels
	} else if len(request.History) > 0 && request.History[0].Status.StartedAt != nil {
		making.First = request.History[0].Status.StartedAt.Time
	}
	return helmrelease.To(request.Release, request.Nodes, making)
}
