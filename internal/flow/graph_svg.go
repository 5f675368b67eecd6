package flow

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// Measures of the picture, in pixels. The type is monospaced, so that a text's
// width is known without a font.
const (
	svgChar   = 7.3 // advance of a character at 12 px
	svgLine   = 16
	svgPad    = 10
	svgGapX   = 28
	svgGapY   = 56
	svgMargin = 20
	svgWrap   = 34 // characters
	svgLane   = 14 // between two ways back
)

// box is a node on its place, or a bend of an edge that passes a layer.
type box struct {
	node  int // -1: a bend
	lines []string
	w, h  float64
	x, y  float64 // the middle of its upper side
	order float64
}

// SVG draws the graph as a picture that needs nothing else: its states in layers
// from top to bottom, ways back at the right side. Its title and description say
// the same for who cannot see it.
func (g Graph) SVG(words func(key string) string) string {
	p := g.place(words)
	var b strings.Builder
	name := html.EscapeString(g.Flow)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="flow-%[1]s-title flow-%[1]s-desc" viewBox="0 0 %.0[2]f %.0[3]f" width="%.0[2]f" height="%.0[3]f">`+"\n",
		name, p.width, p.height)
	fmt.Fprintf(&b, "<title id=\"flow-%[1]s-title\">Flow %[1]s</title>\n<desc id=\"flow-%[1]s-desc\">%[2]s</desc>\n", name, html.EscapeString(g.Description(words)))
	fmt.Fprintf(&b, `<defs><marker id="flow-%s-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#444"/></marker></defs>`+"\n", name)
	fmt.Fprintf(&b, `<rect width="%.0f" height="%.0f" fill="#fff"/>`+"\n", p.width, p.height)
	for _, w := range p.ways {
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="#444" stroke-width="1.3" marker-end="url(#flow-%s-head)"/>`+"\n", w.path, name)
	}
	b.WriteString(`<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12" fill="#111">` + "\n")
	for _, x := range p.boxes {
		if x.node < 0 {
			continue
		}
		n := g.Nodes[x.node]
		fill, stroke := "#f4f6f8", "#444"
		switch {
		case n.Kind == "":
			fill = "#fff"
		case n.Kind == KindSubmit, n.Kind == KindSay:
			fill = "#e6f2e6"
		}
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="6" fill="%s" stroke="%s"/>`+"\n", x.x-x.w/2, x.y, x.w, x.h, fill, stroke)
		for i, l := range x.lines {
			weight := ""
			if i == 0 {
				weight = ` font-weight="bold"`
			}
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f"%s>%s</text>`+"\n", x.x-x.w/2+svgPad, x.y+svgPad+float64(i)*svgLine+10, weight, html.EscapeString(l))
		}
	}
	for _, w := range p.ways {
		if w.label != "" {
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" fill="#111" stroke="#fff" stroke-width="4" paint-order="stroke">%s</text>`+"\n", w.x, w.y, html.EscapeString(w.label))
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

type way struct {
	path, label string
	x, y        float64 // of the label
}

type picture struct {
	boxes         []*box
	ways          []way
	width, height float64
}

// place gives every node its place and every edge its line: layers by the
// longest way from the start, in each layer an order that keeps lines short.
func (g Graph) place(words func(key string) string) picture {
	index := map[string]int{}
	for i, n := range g.Nodes {
		index[n.ID] = i
	}
	forward, back := g.directions(index)
	layer := make([]int, len(g.Nodes))
	for range g.Nodes { // the longest way: at most one more layer a node
		for _, e := range forward {
			layer[index[e.To]] = max(layer[index[e.To]], layer[index[e.From]]+1)
		}
	}
	var p picture
	own := make([]*box, len(g.Nodes))
	layers := make([][]*box, slices.Max(layer)+1)
	for i, n := range g.Nodes {
		lines := []string{n.title()}
		for _, l := range n.lines(words) {
			lines = append(lines, wrapped(l)...)
		}
		widest := 0
		for _, l := range lines {
			widest = max(widest, len([]rune(l)))
		}
		own[i] = &box{node: i, lines: lines, w: float64(widest)*svgChar + 2*svgPad, h: float64(len(lines))*svgLine + 2*svgPad - 4}
		layers[layer[i]] = append(layers[layer[i]], own[i])
		p.boxes = append(p.boxes, own[i])
	}
	chains := make([][]*box, len(forward))
	for i, e := range forward {
		from, to := index[e.From], index[e.To]
		chains[i] = []*box{own[from]}
		for l := layer[from] + 1; l < layer[to]; l++ {
			bend := &box{node: -1, w: 8}
			layers[l] = append(layers[l], bend)
			chains[i] = append(chains[i], bend)
		}
		chains[i] = append(chains[i], own[to])
	}
	arrange(layers, chains)
	p.width, p.height = spread(layers)
	exits := map[*box][]int{}
	for i, c := range chains {
		exits[c[0]] = append(exits[c[0]], i)
	}
	for from, list := range exits {
		slices.SortStableFunc(list, func(a, b int) int { return int(chains[a][1].x - chains[b][1].x) })
		exits[from] = list
	}
	for i, c := range chains {
		list := exits[c[0]]
		step := min(c[0].w/float64(len(list)+1), 60)
		x := c[0].x + (float64(slices.Index(list, i))-float64(len(list)-1)/2)*step
		y := c[0].y + c[0].h
		w := way{label: forward[i].Label, x: x + 4, y: y + 14, path: fmt.Sprintf("M%.1f %.1f", x, y)}
		for _, to := range c[1:] {
			w.path += fmt.Sprintf(" C%.1f %.1f %.1f %.1f %.1f %.1f", x, y+svgGapY/2, to.x, to.y-svgGapY/2, to.x, to.y)
			x, y = to.x, to.y
			if to.node < 0 {
				y += to.h
				w.path += fmt.Sprintf(" L%.1f %.1f", x, y)
			}
		}
		p.ways = append(p.ways, w)
	}
	for i, e := range back {
		from, to := own[index[e.From]], own[index[e.To]]
		lane := p.width + float64(i+1)*svgLane
		x1, y1, x2, y2 := from.x+from.w/2, from.y+from.h/2, to.x+to.w/2, to.y+to.h/2
		p.ways = append(p.ways, way{label: e.Label, x: x1 + 4, y: y1 - 4,
			path: fmt.Sprintf("M%.1f %.1f H%.1f V%.1f H%.1f", x1, y1, lane, y2, x2)})
	}
	p.width += float64(len(back))*svgLane + svgMargin
	return p
}

// directions parts the edges into those that lead on and those that lead back to
// where a caller has been.
func (g Graph) directions(index map[string]int) (forward, back []Edge) {
	const under, done = 1, 2
	at := map[string]int{}
	var walk func(id string)
	walk = func(id string) {
		at[id] = under
		for _, e := range g.Edges {
			if _, known := index[e.To]; e.From != id || !known {
				continue
			}
			if at[e.To] == under {
				back = append(back, e)
				continue
			}
			forward = append(forward, e)
			if at[e.To] == 0 {
				walk(e.To)
			}
		}
		at[id] = done
	}
	for _, n := range slices.Concat(g.roots, g.order()) {
		if _, known := index[n]; known && at[n] == 0 {
			walk(n)
		}
	}
	return forward, back
}

// order lists the nodes as callers meet them.
func (g Graph) order() []string {
	out := make([]string, len(g.Nodes))
	for i, n := range g.Nodes {
		out[i] = n.ID
	}
	return out
}

// arrange orders each layer by where its neighbours are, down and up a few times.
func arrange(layers [][]*box, chains [][]*box) {
	above, below := map[*box][]*box{}, map[*box][]*box{}
	for _, c := range chains {
		for i := 1; i < len(c); i++ {
			above[c[i]] = append(above[c[i]], c[i-1])
			below[c[i-1]] = append(below[c[i-1]], c[i])
		}
	}
	number := func(list []*box) {
		for i, x := range list {
			x.order = float64(i)
		}
	}
	for _, l := range layers {
		number(l)
	}
	sweep := func(list []*box, near map[*box][]*box) {
		want := map[*box]float64{}
		for _, x := range list {
			want[x] = x.order
			if len(near[x]) == 0 {
				continue
			}
			total := 0.0
			for _, n := range near[x] {
				total += n.order
			}
			want[x] = total / float64(len(near[x]))
		}
		slices.SortStableFunc(list, func(a, b *box) int {
			switch {
			case want[a] < want[b]:
				return -1
			case want[a] > want[b]:
				return 1
			}
			return 0
		})
		number(list)
	}
	for range 4 {
		for _, l := range layers[1:] {
			sweep(l, above)
		}
		for i := len(layers) - 2; i >= 0; i-- {
			sweep(layers[i], below)
		}
	}
}

// spread gives boxes their coordinates: each layer in the middle, side by side.
func spread(layers [][]*box) (width, height float64) {
	widths := make([]float64, len(layers))
	for i, l := range layers {
		for _, x := range l {
			widths[i] += x.w + svgGapX
		}
		widths[i] -= svgGapX
		width = max(width, widths[i])
	}
	y := float64(svgMargin)
	for i, l := range layers {
		x, highest := svgMargin+(width-widths[i])/2, 0.0
		for _, b := range l {
			b.x, b.y = x+b.w/2, y
			x += b.w + svgGapX
			highest = max(highest, b.h)
		}
		for _, b := range l {
			if b.node < 0 {
				b.h = highest // its line goes straight through the layer
			}
		}
		y += highest + svgGapY
	}
	return width + 2*svgMargin, y - svgGapY + svgMargin
}

// wrapped breaks a line between words.
func wrapped(line string) []string {
	var out []string
	cur := ""
	for _, word := range strings.Fields(line) {
		if cur != "" && len([]rune(cur))+1+len([]rune(word)) > svgWrap {
			out, cur = append(out, cur), "  "+word
			continue
		}
		if cur != "" {
			cur += " "
		}
		cur += word
	}
	if cur != "" {
		out = append(out, cur)
	}
	return out
}
