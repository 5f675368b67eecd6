package main

import "testing"

func TestAGatewayTakesAQuarterOfTheMemoryAndNeverAllOfIt(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ have, want uint64 }{
		{4096 * mib, 1024 * mib},
		{1024 * mib, 256 * mib},
		{128 * mib, 64 * mib},
		{40 * mib, 30 * mib},
	} {
		if got := share(c.have); got != c.want {
			t.Errorf("of %d MiB: %d, want %d", c.have/mib, got/mib, c.want/mib)
		}
	}
}
