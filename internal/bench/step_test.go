package bench

import (
	"testing"
	"time"

	"lafia/flows"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/locales"
)

func TestAStepAllocatesLittle(t *testing.T) {
	b, err := flow.Load(flows.Files)
	if err != nil {
		t.Fatal(err)
	}
	c, err := locale.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := Steps(b, c, 200, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if s.Allocations > 60 || s.Lines < 7 || s.NanosMedian <= 0 {
			t.Errorf("%+v", s)
		}
	}
}
