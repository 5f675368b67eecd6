package console

import (
	"strings"

	"lafia/internal/casework"
)

// version is one version of a report.
type version struct {
	when, stamp string
	href        string // empty: the one that is shown
	newest      bool
	from        string // who sent it, and how
	changes     []string
	marks       []string
}

func (c *Console) versions(p page, r casework.Record) []version {
	list := make([]version, 0, len(r.Versions))
	newest := r.Newer()
	if newest == "" {
		newest = r.ID
	}
	for _, x := range r.Versions {
		v := version{when: p.moment(x.ReceivedAt), stamp: stamp(x.ReceivedAt), newest: x.ID == newest, from: p.sender(x), marks: p.marks(x.Message)}
		if x.ID != r.ID {
			v.href = root + "/messages/" + x.ID
		}
		for _, change := range x.Changes {
			label, _ := c.label(p, x.Kind, change.Name)
			v.changes = append(v.changes, p.T("version.change", "label", label, "from", c.or(p, x, change.Name, change.From), "to", c.or(p, x, change.Name, change.To)))
		}
		list = append(list, v)
	}
	return list
}

// or says an answer's value, or that there was none.
func (c *Console) or(p page, x casework.Version, name, value string) string {
	if value == "" {
		return p.T("version.nothing")
	}
	word, _ := c.value(p, x.Kind, name, value)
	return word
}

// sender tells who sent a version as far as the record knows: its phone, never a
// number.
func (p page) sender(x casework.Version) string {
	by := strings.ToUpper(x.Medium)
	switch {
	case x.Corrects == "":
		return by
	case x.SamePhone:
		return by + " · " + p.T("version.same")
	}
	return by + " · " + p.T("version.other")
}
