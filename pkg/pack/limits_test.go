package pack

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWithin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		late := within(time.Second, func() error {
			<-t.Context().Done()
			return nil
		})
		if late == nil || late.Error() != "it takes longer than 1s" {
			t.Errorf("got %v", late)
		}
		wrong := errors.New("wrong")
		if err := within(time.Second, func() error { return wrong }); !errors.Is(err, wrong) {
			t.Errorf("got %v", err)
		}
	})
}
