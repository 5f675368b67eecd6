package flow

import (
	"fmt"
	"slices"
	"strings"
)

// Graph is one flow as a picture shows it.
type Graph struct {
	Flow  string
	Nodes []Node
	Edges []Edge
	roots []string
}

// Node is a state of the graph, or a flow that is entered from it.
type Node struct {
	ID      string
	Kind    Kind // "" for a flow that is entered
	Ask     string
	Options []Choice
}

// Edge is a way from one node to another. Label is the keys that take it, ""
// when any answer does.
type Edge struct{ From, To, Label string }

// Graph gives a flow as nodes and edges, in the order in which callers meet them.
// It is not ok when the book has no such flow.
func (b *Book) Graph(flow string) (Graph, bool) {
	f := b.Flows[flow]
	if f == nil {
		return Graph{}, false
	}
	g := Graph{Flow: flow, roots: []string{f.Start}}
	if flow == Main {
		g.roots = []string{"resume", "language", "menu"}
	}
	seen := map[string]bool{}
	var walk func(id string)
	walk = func(id string) {
		s := f.States[id]
		if s == nil || seen[id] {
			return
		}
		seen[id] = true
		g.Nodes = append(g.Nodes, Node{ID: id, Kind: s.Kind, Ask: s.Ask, Options: s.Options})
		edges := s.edges(id)
		g.Edges = append(g.Edges, edges...)
		for _, e := range edges {
			if name, ok := strings.CutPrefix(e.To, entering); ok && !seen[e.To] && b.Flows[name] != nil {
				seen[e.To] = true
				g.Nodes = append(g.Nodes, Node{ID: e.To})
			}
			walk(e.To)
		}
	}
	for _, root := range g.roots {
		walk(root)
	}
	return g, true
}

// entering begins the id of a node that is another flow.
const entering = "flow:"

// edges lists the ways out of a state, one for each target, in the order of its
// options.
func (s *State) edges(id string) []Edge {
	var to []string
	keys := map[string][]string{}
	add := func(target, key string) {
		if target == "" {
			return
		}
		if _, ok := keys[target]; !ok {
			to = append(to, target)
			keys[target] = nil
		}
		if key != "" {
			keys[target] = append(keys[target], key)
		}
	}
	for _, o := range s.Options {
		switch {
		case o.Flow != "":
			add(entering+o.Flow, o.Key)
		case o.State != "":
			add(o.State, o.Key)
		case o.Next != "":
			add(o.Next, o.Key)
		case o.Value == yes && s.Yes != "":
			add(s.Yes, o.Key)
		case o.Value == no && s.No+s.Correct != "":
			add(s.No+s.Correct, o.Key)
		default:
			add(s.Next, o.Key)
		}
	}
	for _, c := range s.Cases {
		add(c.Next, strings.Join(append(slices.Clone(c.Is), c.If), " "))
	}
	if s.Next != "" && len(keys[s.Next]) == 0 {
		add(s.Next, "")
	}
	if s.Flow != "" {
		add(entering+s.Flow, "")
	}
	add(s.None, "none")
	if len(to) == 1 && s.None == "" { // whatever she answers
		keys[to[0]] = nil
	}
	out := make([]Edge, len(to))
	for i, t := range to {
		out[i] = Edge{id, t, strings.Join(keys[t], " ")}
	}
	return out
}

// title is the first line of a node.
func (n Node) title() string {
	if name, ok := strings.CutPrefix(n.ID, entering); ok {
		return "> " + name
	}
	return n.ID + " (" + string(n.Kind) + ")"
}

// lines are the words of a node below its title, as words says them.
func (n Node) lines(words func(key string) string) []string {
	var out []string
	if n.Ask != "" {
		out = append(out, strings.Split(words(n.Ask), "\n")...)
	}
	for _, o := range n.Options {
		line := o.Key + " " + strings.ReplaceAll(words(o.Say), "\n", " ")
		if o.Level != "" {
			line += " [" + o.Level + "]"
		}
		out = append(out, line)
	}
	return out
}

// Mermaid draws the graph as Mermaid text; words says a message by its key.
func (g Graph) Mermaid(words func(key string) string) string {
	id, esc := g.ids(), strings.NewReplacer("&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;")
	var b strings.Builder
	fmt.Fprintf(&b, "flowchart TD\n  accTitle: Flow %s\n  accDescr: %s\n", g.Flow, strings.NewReplacer(";", ",", "#", "").Replace(g.Description(words)))
	for _, n := range g.Nodes {
		text := "<b>" + esc.Replace(n.title()) + "</b>"
		for _, l := range n.lines(words) {
			text += "<br/>" + esc.Replace(l)
		}
		fmt.Fprintf(&b, "  %s[\"%s\"]\n", id[n.ID], text)
	}
	for _, e := range g.Edges {
		label := ""
		if e.Label != "" {
			label = `|"` + esc.Replace(e.Label) + `"|`
		}
		fmt.Fprintf(&b, "  %s -->%s %s\n", id[e.From], label, id[e.To])
	}
	return b.String()
}

// ids gives each node a name that no grammar reserves.
func (g Graph) ids() map[string]string {
	out := map[string]string{}
	for i, n := range g.Nodes {
		out[n.ID] = fmt.Sprintf("n%d", i+1)
	}
	return out
}

// DOT draws the graph in Graphviz's language.
func (g Graph) DOT(words func(key string) string) string {
	id := g.ids()
	quote := func(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }
	var b strings.Builder
	fmt.Fprintf(&b, "digraph \"%s\" {\n  node [shape=box, style=rounded, fontname=\"sans-serif\"]\n", quote(g.Flow))
	for _, n := range g.Nodes {
		text := quote(n.title()) + `\n`
		for _, l := range n.lines(words) {
			text += quote(l) + `\l`
		}
		fmt.Fprintf(&b, "  %s [label=\"%s\"]\n", id[n.ID], text)
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  %s -> %s [label=\"%s\"]\n", id[e.From], id[e.To], quote(e.Label))
	}
	b.WriteString("}\n")
	return b.String()
}

// Description tells the graph in words, for who cannot see the picture.
func (g Graph) Description(words func(key string) string) string {
	var b strings.Builder
	for i, n := range g.Nodes {
		if strings.HasPrefix(n.ID, entering) {
			continue
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s: %s", n.ID, oneLine(strings.Join(n.lines(words), "; ")))
		var ways []string
		for _, e := range g.Edges {
			switch to := strings.TrimPrefix(e.To, entering); {
			case e.From != n.ID:
			case e.Label == "":
				ways = append(ways, "then "+to)
			default:
				ways = append(ways, e.Label+" to "+to)
			}
		}
		if len(ways) == 0 {
			ways = []string{"the end"}
		}
		fmt.Fprintf(&b, " (%s).", strings.Join(ways, ", "))
	}
	return b.String()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
