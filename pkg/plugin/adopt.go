package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/helmrelease"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// AdoptFlags are the flags of adopt.
type AdoptFlags struct {
	Run      RunFlags
	Releases severalFlags
	FromHelm bool
	Force    bool
}

// AdoptOptions are what taking a release over needs.
type AdoptOptions struct {
	// Force takes a release over that a command of Helm's may be working on.
	Force bool
	RunOptions
}

func newAdoptCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := AdoptFlags{Run: RunFlags{Getter: getter, IOStreams: streams, NoHooks: true}}
	command := &cobra.Command{
		Use:   "adopt [NAME...]",
		Short: "Take over a release from Helm, without changing what runs",
		Long: templates.LongDesc(`
			Take over a release from Helm (3 or 4). Its deployed revision becomes a revision of the same release here: manifest,
			hooks, values, chart and notes. Labels, annotations and field managers of its objects change hands; nothing else
			of them does, so no Pod restarts.

			Helm's Secrets are kept, with a label that hides them from helm list. handover gives the release back.

			If the command is interrupted, run it again; it continues.`),
		Example: templates.Examples(`
			# Show what would be taken over, and submit it as a dry run
			kubectl sherpack adopt myshop --from-helm --dry-run=server

			# Take over a release
			kubectl sherpack adopt myshop --from-helm

			# Take over all releases that Helm has in the namespace
			kubectl sherpack adopt --all --from-helm`),
		Args: flags.Releases.Args,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !flags.FromHelm {
				return &UsageError{cmd.CommandPath(), errors.New("releases are taken over from Helm: add --from-helm")}
			}
			return flags.Releases.Each(cmd, args, &flags.Run, helmsReleases, func(run RunOptions) error {
				return (&AdoptOptions{Force: flags.Force, RunOptions: run}).Run(cmd.Context())
			})
		},
	}
	flags.AddFlags(command)
	return command
}

// AddFlags adds the flags.
func (f *AdoptFlags) AddFlags(command *cobra.Command) {
	f.Run.AddFlags(command)
	f.Releases.AddFlags(command, "Take over all releases that Helm has in the namespace.")
	command.Flags().BoolVar(&f.FromHelm, "from-helm", false, "Take the release over from Helm.")
	command.Flags().BoolVar(&f.Force, "force", false,
		"Take over the deployed revision even if a newer one is pending. Make sure that no helm command is working on the release.")
}

// helmsReleases returns the names of the releases that Helm has in the namespace and has not uninstalled, and of those whose adoption was interrupted.
func helmsReleases(ctx context.Context, at *connection) ([]string, error) {
	records, err := at.store.HelmRecords(ctx, at.namespace, "")
	if err != nil {
		return nil, err
	}
	names := namesOf(listed(records))
	releases, err := at.store.List(ctx, at.namespace, nil)
	for _, r := range releases {
		if isBetween(r) {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// namesOf returns the names of the releases that Helm has records of, which are in Helm's order, but for those that are uninstalled:
// helm uninstall --keep-history keeps theirs.
func namesOf(records []release.HelmRecord) []string {
	var names []string
	for i, record := range records {
		isNewest := i+1 == len(records) || records[i+1].Name != record.Name
		if isNewest && record.Status != "uninstalled" {
			names = append(names, record.Name)
		}
	}
	return names
}

// alreadyAdoptedError is a release that was taken over before, and that Helm does not have any more.
type alreadyAdoptedError struct{ release *release.Release }

// Error names the release.
func (e *alreadyAdoptedError) Error() string {
	return fmt.Sprintf("release %q is already adopted", e.release.Name)
}

// Run takes the release over and prints it. One that was taken over before is no error.
func (o *AdoptOptions) Run(ctx context.Context) error {
	adopted, err := perform(ctx, o.RunOptions, release.OperationAdopt, o.plan)
	var already *alreadyAdoptedError
	switch {
	case errors.As(err, &already):
		done := &performed{Result: plan.Result{Release: already.release}}
		return o.Output.PrintRun(done, "already adopted", o.DryRun, o.Out)
	case err != nil:
		return o.Output.PrintFailed(adopted, err, o.Out)
	}
	return o.Output.PrintRun(adopted, fmt.Sprintf("adopted from Helm revision %d", adopted.Release.Spec.FromHelm), o.DryRun, o.Out)
}

func (o *AdoptOptions) plan(ctx context.Context, at planning) (*proposal, error) {
	history, err := at.records.Revisions(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	records, err := at.store.HelmRecords(ctx, at.namespace, o.Name)
	if err != nil {
		return nil, err
	}
	visible := listed(records)
	switch newest := history.Newest(); {
	case newest == nil, newest.Status.Phase == release.Uninstalled:
	case isBetween(newest):
		return o.proceed(ctx, at, history, visible)
	case newest.Spec.FromHelm != 0 && newest.Status.Phase == release.Deployed && len(visible) == 0:
		found, err := at.Salvage(ctx, newest)
		if err == nil {
			err = &alreadyAdoptedError{found}
		}
		return nil, err
	default:
		return nil, fmt.Errorf("release %q already exists: revision %d is %s", o.Name, newest.Spec.Revision, state(newest))
	}
	chosen, err := o.choose(at, visible)
	if err != nil {
		return nil, err
	}
	return o.begin(ctx, at, history, chosen, visible)
}

// proceed plans the rest of an adoption that was cut short, or takes back what a handover had begun.
func (o *AdoptOptions) proceed(ctx context.Context, at planning, history release.History, records []release.HelmRecord) (*proposal, error) {
	request, err := at.betweenRequest(ctx, history, o.Plan)
	if err != nil {
		return nil, err
	}
	if err := checkOvertaken(request.Release, records, o.Force); err != nil {
		return nil, err
	}
	planned, err := plan.Adopt(request, nil, records)
	return &proposal{Plan: planned}, err
}

// begin plans to take over a revision of Helm's.
func (o *AdoptOptions) begin(ctx context.Context, at planning, history release.History, chosen release.HelmRecord, records []release.HelmRecord) (*proposal, error) {
	chosen, err := at.store.ReadHelm(ctx, chosen)
	if err != nil {
		return nil, err
	}
	decoded, err := helmrelease.Decode(chosen)
	if err != nil {
		return nil, err
	}
	read, err := helmrelease.From(decoded)
	if err != nil {
		return nil, err
	}
	for _, warning := range read.Warnings {
		at.warnings.Warn("%s", warning)
	}
	// Charts name objects after the revision, so that it continues to count from where Helm stopped.
	number := max(history.NextRevision(), records[len(records)-1].Revision)
	next := release.New(o.Name, at.namespace, number)
	next.Spec.FromHelm, next.Spec.Pack, next.Content = chosen.Revision, read.Pack, read.Content
	at.provenance.Stamp(next)
	request := plan.Request{Release: next, History: history, Nodes: read.Nodes, Options: o.Plan}
	definitions, err := at.findHanded(&request, read.Definitions)
	if err != nil {
		return nil, err
	}
	planned, err := plan.Adopt(request, definitions, records)
	return &proposal{Plan: planned}, err
}

// choose returns the revision to take over: the one that is deployed. Whoever works on the release must have ended.
func (o *AdoptOptions) choose(at planning, records []release.HelmRecord) (release.HelmRecord, error) {
	if len(records) == 0 {
		return release.HelmRecord{}, fmt.Errorf("release %q of Helm in namespace %q: %w (releases that Helm keeps elsewhere than in Secrets cannot be adopted)",
			o.Name, at.namespace, storage.ErrNotFound)
	}
	newest := records[len(records)-1]
	var deployed *release.HelmRecord
	var all []string
	for i, record := range records {
		all = append(all, fmt.Sprintf("%d (%s)", record.Revision, record.Status))
		if record.Status == helmDeployed {
			deployed = &records[i]
		}
	}
	switch {
	case deployed == nil:
		return newest, fmt.Errorf("release %q of Helm: no revision is deployed; there are: %s", o.Name, strings.Join(all, ", "))
	case isPending(newest) && !o.Force:
		return newest, &pendingError{newest, *deployed}
	case newest.Revision != deployed.Revision:
		at.warnings.Warn("revision %d of Helm's release is %s; adopting revision %d, whose objects may be partly changed",
			newest.Revision, newest.Status, deployed.Revision)
	}
	return *deployed, nil
}

// checkOvertaken refuses a release that Helm has changed since it began to change hands. records are what Helm finds of it. force lets a
// revision be pending that is newer than the one that is deployed.
func checkOvertaken(r *release.Release, records []release.HelmRecord, force bool) error {
	deployed, newest := cmp.Or(r.Status.ToHelm, r.Spec.FromHelm, r.Spec.Revision), r.Spec.Revision
	if r.Status.ToHelm != r.Spec.FromHelm && r.Status.ToHelm != 0 {
		newest = r.Status.ToHelm
	}
	for _, record := range records {
		// Newer ones that were there before had failed, or were pending.
		works := record.Status == helmDeployed || isPending(record) && !force
		if record.Revision > newest || record.Revision > deployed && works || record.Revision == deployed && record.Status != helmDeployed {
			return &overtakenError{record}
		}
	}
	return nil
}

// helmDeployed is Helm's word for a revision that is deployed.
const helmDeployed = "deployed"

// isPending reports whether a command of Helm's works on a revision, or was killed at it.
func isPending(record release.HelmRecord) bool { return strings.HasPrefix(record.Status, "pending-") }

// overtakenError is a release that Helm has changed while it changed hands.
type overtakenError struct{ since release.HelmRecord }

// Error names the revision of Helm's.
func (e *overtakenError) Error() string {
	return fmt.Sprintf("release %q: a helm command has worked on it since it began to change hands: revision %d is %s",
		e.since.Name, e.since.Revision, e.since.Status)
}

// Advice says how to begin anew.
func (e *overtakenError) Advice() string {
	return fmt.Sprintf("To begin anew: kubectl sherpack handover %s --to-helm, then kubectl sherpack adopt %[1]s --from-helm.", e.since.Name)
}

// pendingError is a release that a command of Helm's works on, or was killed at.
type pendingError struct{ pending, deployed release.HelmRecord }

// Error says what is pending.
func (e *pendingError) Error() string {
	return fmt.Sprintf("release %q of Helm: revision %d is %s: a helm command is working on it, or was killed", e.pending.Name, e.pending.Revision, e.pending.Status)
}

// Advice says what to do about it.
func (e *pendingError) Advice() string {
	return fmt.Sprintf("Wait for that command. If it was killed, use helm rollback, or --force to adopt revision %d, which is deployed.", e.deployed.Revision)
}
