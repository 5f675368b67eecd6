package clock_test

import (
	"testing"
	"time"

	"lafia/internal/clock"
)

// machine is one whose clock can be set.
type machine struct {
	passed time.Duration
	off    time.Duration
}

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func (m *machine) wall() time.Time        { return noon.Add(m.passed + m.off) }
func (m *machine) running() time.Duration { return m.passed }

func TestAJumpOfTheMachinesClockMovesNothing(t *testing.T) {
	m := &machine{}
	c := clock.New(m.wall, m.running)
	for _, jump := range []time.Duration{time.Hour, -2 * time.Hour, 24 * time.Hour} {
		m.passed += time.Second
		m.off += jump
		if got, want := c.Now(), noon.Add(m.passed); !got.Equal(want) {
			t.Fatalf("after a jump by %v it is %v, not %v", jump, got, want)
		}
		c.Hear(noon.Add(m.passed), 0)
		m.passed += time.Second
		if got, want := c.Now(), noon.Add(m.passed); !got.Equal(want) {
			t.Fatalf("once the record was heard it is %v, not %v", got, want)
		}
		if !c.Wrong() || c.Offset() != m.off {
			t.Fatalf("the offset is %v, not %v", c.Offset(), m.off)
		}
	}
}

func TestTheMachinesClockIsGoneByAsLongAsItIsNearTheRecords(t *testing.T) {
	for _, tc := range []struct {
		name          string
		ahead, took   time.Duration
		wrong, silent bool
	}{
		{name: "the same"},
		{name: "near", ahead: 1900 * time.Millisecond},
		{name: "near behind", ahead: -1900 * time.Millisecond},
		{name: "near, by a slow way", ahead: time.Second, took: time.Second},
		{name: "ahead", ahead: 3 * time.Second, wrong: true},
		{name: "behind", ahead: -time.Hour, wrong: true},
		{name: "too slow to tell", ahead: time.Hour, took: 2 * time.Second, silent: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := &machine{off: tc.ahead}
			c := clock.New(m.wall, m.running)
			m.passed = time.Minute
			c.Hear(noon.Add(m.passed-tc.took/2), tc.took)
			want := noon.Add(m.passed)
			if !tc.wrong {
				want = m.wall()
			}
			if got := c.Now(); !got.Equal(want) || c.Wrong() != tc.wrong {
				t.Errorf("it is %v, wrong %v; want %v, %v", got, c.Wrong(), want, tc.wrong)
			}
			if offset := c.Offset(); !tc.silent && offset != tc.ahead || tc.silent && offset != 0 {
				t.Errorf("the offset is %v", offset)
			}
		})
	}
}
