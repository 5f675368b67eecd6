package programme

import "testing"

func TestSlipsOfTheFingerAreCounted(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "lafia", 5}, {"lafia", "lafia", 0}, {"lafia", "lfaia", 1}, {"lafia", "lafiya", 1}, {"lafia", "lfia", 1}, {"goundam", "gondam", 1},
		{"goundam", "gouddan", 2}, {"diré", "dire", 1}} {
		if got := Slips(c.a, c.b); got != c.want || Slips(c.b, c.a) != got {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
