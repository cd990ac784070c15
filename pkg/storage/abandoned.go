package storage

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Abandoned reports whether nobody holds the lock of a release any more: there is no Lease, it is so old that another
// command may take it over, or its holder is gone. It only reads, once, and waits for nothing. former is who held it; nil
// where no Lease says so.
func (l *Locks) Abandoned(ctx context.Context, namespace, name string) (abandoned bool, former *Former, err error) {
	lease, err := l.leases.Leases(namespace).Get(ctx, leaseName(name), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return true, nil, nil
	}
	if err != nil {
		return false, nil, fmt.Errorf("asking who works on release %s/%s: %w", namespace, name, err)
	}
	// Where the server does not say what time it is, the age is not known.
	age, dated := l.clock.age(lease)
	former = &Former{Holder: holderOf(lease), Age: age, Dated: dated}
	return age >= expireAfter || l.isDead(former.Holder), former, nil
}
