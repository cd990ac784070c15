# What a simulated Pod is doing, as one word. Each word belongs to one stage, so
# that two never apply at once.
def note(key): .metadata.annotations["sim.sherpack.io/" + key];
def containers: .status.containerStatuses[]?;
# Its attempts are counted, and kwok has not been told yet which one it is.
def unnumbered:
  note("fail-times") and .spec.restartPolicy == "Never"
  and .metadata.labels["batch.kubernetes.io/controller-uid"] and (note("attempt") | not);
def unready: any(.status.conditions[]?; .type == "Ready" and .status == "True") | not;
def finite:
  note("run-for") != "forever"
  and ((note("run-for") // note("exit-code") // note("reason") // note("fail-times")) or .spec.restartPolicy != "Always");
# The API server itself removes what has no grace period; a deletion by name could hit its successor.
def leaving: .metadata.deletionGracePeriodSeconds == 0 and (.metadata.finalizers | length) == 0;

if .metadata.deletionTimestamp then
  (if leaving then "gone" elif .status.phase == "Running" then "terminating" else "deleted" end)
elif .status.phase == "Succeeded" or .status.phase == "Failed" then "finished"
elif .status.phase == "Running" and any(containers; .state.waiting) then "backing-off"
elif .status.phase == "Running" and unready and note("ready-after") and note("never-ready") != "true" then "starting"
elif .status.phase == "Running" then (if finite then "ending" else "running" end)
elif note("pending") == "true" or unnumbered then "pending"
elif note("waiting") then (if any(containers; .state.waiting) then "stuck" else "blocked" end)
else "scheduled" end
