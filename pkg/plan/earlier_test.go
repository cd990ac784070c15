package plan_test

import (
	"errors"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestEarlier(t *testing.T) {
	t.Parallel()
	t.Run("a damaged revision counts as failed", aDamagedRevisionCountsAsFailed)
}

// Nobody knows how far a damaged revision got, so that hooks which it may have left running are looked for.
func aDamagedRevisionCountsAsFailed(t *testing.T) {
	t.Parallel()
	r := plantest.Revision(t, 1, release.Deployed, plantest.Object("v1", "ConfigMap", "a")+plantest.Hook("x", "post-install", ""))
	for name, damage := range map[string]release.Damage{
		"its content": {Content: errors.New("x")}, "its inventory": {Inventory: errors.New("x")}, "its head": {Head: errors.New("x")},
	} {
		damaged := *r
		damaged.Record.Damage = damage
		planned, err := plan.Remove(plantest.Removal(t, "", &damaged, plan.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		if !planned.MayHaveLeftovers {
			t.Errorf("%s: it counts as one that came to a good end", name)
		}
	}
}
