package conversation

import (
	"strings"
	"testing"

	"lafia/internal/vault"
)

// What was taken of a cumulative text is known by its length and a MAC: the rest
// is what stands behind it, and a text that does not go on from there is none.
func FuzzTheRestOfACumulativeText(f *testing.F) {
	f.Add("", "", "1")
	f.Add("1", "1", "2*3")
	f.Add("1*2", "1*2", "")
	f.Add("1*2", "1*3", "4")
	f.Add("1*107", "1*1078", "x")
	f.Add("mots * avec * etoiles", "mots", "*")
	f.Add("\xff\x00", "\xff", "**")
	dir := f.TempDir() + "/keys"
	if err := vault.Create(dir); err != nil {
		f.Fatal(err)
	}
	ring, err := vault.Open(dir)
	if err != nil {
		f.Fatal(err)
	}
	c := &Conversation{Options: Options{Ring: ring}}
	f.Fuzz(func(t *testing.T, taken, other, more string) {
		l := &live{ID: "s"}
		if rest, ok := c.unused(l, taken); !ok || rest != taken {
			t.Fatalf("nothing was taken, and %q leaves %q, %v", taken, rest, ok)
		}
		c.use(l, taken)
		if rest, ok := c.unused(l, taken); !ok || rest != "" {
			t.Errorf("%q again leaves %q, %v", taken, rest, ok)
		}
		want, longer := more, taken+"*"+more
		if taken == "" {
			longer = more
		}
		if rest, ok := c.unused(l, longer); !ok || rest != want {
			t.Errorf("%q behind %q leaves %q, %v", longer, taken, rest, ok)
		}
		rest, ok := c.unused(l, other)
		goesOn := taken == "" || other == taken || strings.HasPrefix(other, taken+"*")
		if ok != goesOn || ok && len(rest) > len(other) {
			t.Errorf("%q behind %q leaves %q, %v", other, taken, rest, ok)
		}
	})
}
