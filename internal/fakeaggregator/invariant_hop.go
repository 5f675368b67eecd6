package fakeaggregator

import "time"

// repeats is I5: a request that comes again is answered to the byte as before,
// and one that comes late with a screen that she has had.
func (c *check) repeats() {
	for caller, turns := range c.hops {
		last := time.Duration(0)
		unheard := map[string]bool{} // sessions with a screen that nobody saw
		for _, t := range turns {
			if len(c.screens(t)) == 0 {
				unheard[t.first.Session] = true
			}
		}
		for _, t := range turns {
			lost := c.lostBetween(last, t.ends())
			last = t.first.At
			heard := c.screens(t)
			for _, l := range heard {
				c.looked("I5")
				if l.Screen != heard[0].Screen || l.End != heard[0].End {
					if !lost {
						c.violated("I5", caller, where(l), "one hop, and two answers (the second is a %s)", l.Copy)
					}
					break
				}
			}
			for _, l := range t.late {
				c.looked("I5")
				if l.Screen == "" && l.Error == "" || l.Screen != "" && !c.heard[caller][l.Screen] && !isRefusal(c.World, l.Screen) {
					if !unheard[t.first.Session] && !c.lostBetween(t.first.At, l.At+l.Took) {
						c.violated("I5", caller, where(l), "a late request got a screen that she never had")
					}
				}
			}
		}
	}
}

// prompt is I17: outside windows every hop is answered in time.
func (c *check) prompt() {
	for caller, turns := range c.hops {
		for _, t := range turns {
			for _, l := range append(t.copies, t.late...) {
				if l.Error == "cut" {
					continue
				}
				c.looked("I17")
				away := c.lostBetween(l.At, l.At+l.Took)
				switch {
				case l.Took > c.Deadline:
					c.violated("I17", caller, where(l), "answered after %v, when the aggregator no longer waits", l.Took.Round(time.Millisecond))
				case !away && (l.Took > c.Limit || l.Error != ""):
					c.violated("I17", caller, where(l), "no answer within %v although nothing was away (%s)", c.Limit, l.Error)
				case !away && l.Screen == "": // "nothing was saved" is an answer; the summary counts it
					c.violated("I17", caller, where(l), "no screen although nothing was away (HTTP %d)", l.Status)
				}
			}
		}
	}
}

// promises is I16: nothing is promised while nothing can be made durable. What came
// before may have been made durable then, and a copy of it is answered alike (I5).
func (c *check) promises() {
	for _, w := range c.windows {
		if w.Window != "durable" {
			continue
		}
		for caller := range c.callers {
			for _, turns := range [][]turn{c.hops[caller], c.sms[caller]} {
				for _, t := range turns {
					if t.begins() <= w.At {
						continue
					}
					for _, l := range t.copies {
						c.looked("I16")
						if l.Acked && l.At+l.Took < w.At+w.Took {
							c.violated("I16", caller, where(l), "acknowledged while nothing could be made durable")
						}
					}
				}
			}
		}
	}
	if c.report.Checked["I16"] == 0 {
		c.unchecked("I16", "nothing that makes durable was away in this play")
	}
}
