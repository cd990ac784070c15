package storage_test

import (
	"net/http"
	"os"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestAbandoned(t *testing.T) {
	t.Parallel()
	t.Run("a lock that nobody holds any more is", lockThatNobodyHoldsIsAbandoned)
	t.Run("one whose holder cannot be read is not", lockOfUnreadableHolderIsNotAbandoned)
	t.Run("who may not read Leases is told so", whoMayNotReadLeasesIsToldSo)
}

func lockThatNobodyHoldsIsAbandoned(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	between := proxy.Start(t, clustertest.Config(t))
	reader := locks(t, between.Config(), "reader")
	if abandoned, former, err := reader.Abandoned(t.Context(), namespace, "shop"); !abandoned || former != nil || err != nil {
		t.Errorf("without a Lease it is abandoned: %v, by %v, %v", abandoned, former, err)
	}
	lock := acquire(t, locks(t, clustertest.Config(t), "first"), namespace)
	if abandoned, former, err := reader.Abandoned(t.Context(), namespace, "shop"); abandoned || former.PID != os.Getpid() || !former.Dated || err != nil {
		t.Errorf("while it is held it is abandoned: %v, by %v, %v", abandoned, former, err)
	}
	abandoned, former, err := locks(t, dated(t, 20*time.Second), "reader").Abandoned(t.Context(), namespace, "shop")
	if !abandoned || former.Age < 15*time.Second || err != nil {
		t.Errorf("when it is old it is abandoned: %v, by %v, %v", abandoned, former, err)
	}
	abandoned, former, err = locks(t, dated(t, 0), "reader").Abandoned(t.Context(), namespace, "shop")
	if abandoned || former.Dated || err != nil {
		t.Errorf("when nobody knows how old it is it is abandoned: %v, by %v, %v", abandoned, former, err)
	}
	if err := lock.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Each was one request, and none has changed anything.
	if asked := between.Requests(); len(asked) != 2 || asked[0].Method != http.MethodGet || asked[1].Method != http.MethodGet {
		t.Errorf("the requests were %v", asked)
	}
}

func lockOfUnreadableHolderIsNotAbandoned(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: "sh.sherpack.release.v1.shop", Annotations: map[string]string{"sherpack.io/holder": "{"}},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: ptr.To("somebody")},
	}
	leases := kubernetes.NewForConfigOrDie(clustertest.Config(t)).CoordinationV1().Leases(namespace)
	if _, err := leases.Create(t.Context(), lease, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if abandoned, _, err := locks(t, clustertest.Config(t), "reader").Abandoned(t.Context(), namespace, "shop"); abandoned || err != nil {
		t.Errorf("it is abandoned: %v, %v", abandoned, err)
	}
}

func whoMayNotReadLeasesIsToldSo(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	abandoned, _, err := locks(t, limited(t, namespace, "create"), "reader").Abandoned(t.Context(), namespace, "shop")
	if abandoned || !apierrors.IsForbidden(err) {
		t.Errorf("it is abandoned: %v, %v", abandoned, err)
	}
}
