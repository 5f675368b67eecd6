package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"lafia/internal/casework"
)

// broadcastForm asks for an announcement. It is sent twice: once to see what
// becomes of it, and once more, with seen, to make it.
type broadcastForm struct {
	once      string
	audiences []group
	texts     []wording
	most      string
	problem   string
	seen      string // the form repeats it; empty: not asked for yet
	foreseen  []moneyRow
	hint      string // what is not known of the cost
}

// group is some choices under one heading; an empty heading stands for none.
type group struct {
	label   string
	options []option
}

// wording is an announcement in one language.
type wording struct {
	tag, label, name, text string
	sent, size             string // as phones show it; empty: not asked for yet
}

// broadcastRow is an announcement that was made.
type broadcastRow struct {
	who, audience string
	when, stamp   string
	text          string
	figures       []figure
	stop          string // an address; empty: there is nothing to stop
	stopped       string
}

type broadcastsView struct {
	page
	form     *broadcastForm // nil: nothing can be sent from here
	rows     []broadcastRow
	communes communesView
}

var broadcastDones = []string{"made", "already", "stopped", "closed", "wasclosed", "opened", "wasopen"}

func (c *Console) broadcasts(v *visit) error {
	return c.showBroadcasts(v, http.StatusOK, c.freshBroadcast(), closingForm{})
}

func (c *Console) freshBroadcast() broadcastForm {
	return broadcastForm{once: hex.EncodeToString(c.o.Random(16))}
}

func (c *Console) showBroadcasts(v *visit, status int, f broadcastForm, k closingForm) error {
	list, choices, err := c.o.Desk.Announced(v.ctx, v.entry.Account)
	if err != nil {
		return c.failed(v, err)
	}
	view := broadcastsView{page: c.page(v, "broadcasts", "broadcasts.title", root+"/broadcasts")}
	for _, d := range broadcastDones {
		if v.Method() == http.MethodGet && v.Query("done") == d {
			view.notice = "broadcasts.done." + d
		}
	}
	for _, b := range list {
		view.rows = append(view.rows, c.broadcastRow(view.page, b))
	}
	if len(choices.Languages) > 0 {
		c.fillBroadcast(v, view.page, &f, choices)
		view.form = &f
	}
	if view.communes, err = c.communes(v, view.page, k); err != nil {
		return c.failed(v, err)
	}
	return render(v, status, broadcastsPage(view))
}

// fillBroadcast puts what can be chosen, and what was typed, into the form.
func (c *Console) fillBroadcast(v *visit, p page, f *broadcastForm, choices casework.Choices) {
	chosen := v.form("audience")
	f.most = strconv.Itoa(casework.BroadcastLong)
	everybody := p.T("broadcasts.everybody")
	if r := v.entry.Scope().Regions; len(r) > 0 {
		everybody = p.T("broadcasts.everybody.regions", "regions", c.regions(p, v.entry.Account))
	}
	f.audiences = []group{{options: []option{{"", everybody, chosen == ""}}}}
	projects := group{label: p.T("broadcasts.projects")}
	for _, r := range choices.Projects {
		projects.options = append(projects.options, option{"project:" + r.Code, r.Code + " · " + r.Name, chosen == "project:"+r.Code})
	}
	communes := group{label: p.T("broadcasts.communes")}
	for _, r := range choices.Communes {
		communes.options = append(communes.options, option{"place:" + r.PCode, r.Name, chosen == "place:"+r.PCode})
	}
	for _, g := range []group{projects, communes} {
		if len(g.options) > 0 {
			f.audiences = append(f.audiences, g)
		}
	}
	sent := f.texts // of a preview
	f.texts = nil
	for i, l := range choices.Languages {
		w := wording{tag: l.Tag, label: p.T("broadcasts.text", "language", l.Name), name: "text-" + l.Tag, text: v.form("text-" + l.Tag)}
		if i < len(sent) {
			w.sent, w.size = sent[i].sent, sent[i].size
		}
		f.texts = append(f.texts, w)
	}
}

// announcing reads the form.
func (c *Console) announcing(v *visit) casework.Announcing {
	a := casework.Announcing{Words: map[string]string{}, Once: v.form("once")}
	kind, code, _ := strings.Cut(cut(v.form("audience"), 60), ":")
	switch kind {
	case "project":
		a.Project = code
	case "place":
		a.Place = code
	}
	for _, tag := range c.menus.words.Tags() {
		if text := v.form("text-" + tag); text != "" {
			a.Words[tag] = text
		}
	}
	return a
}

// broadcast shows what becomes of an announcement, and makes it once that was seen. The
// page's forms about closed communes come here too: who may announce may close.
func (c *Console) broadcast(v *visit) error {
	if do := v.form("do"); do == "close" || do == "open" {
		return c.switchCommune(v, do)
	}
	p := page{words: v.words, now: c.o.Now().UTC()}
	f := broadcastForm{once: v.form("once")}
	if v.stale {
		f.problem = p.T("move.stale")
		return c.showBroadcasts(v, http.StatusForbidden, f, closingForm{})
	}
	a := c.announcing(v)
	seen, err := c.o.Desk.Foresee(v.ctx, v.entry.Account, a)
	if err == nil && v.form("do") == "make" && v.form("seen") == broadcastSeal(a, seen) {
		var already bool
		if already, err = c.o.Desk.Announce(v.ctx, v.entry.Account, a); err == nil {
			done := "made"
			if already {
				done = "already"
			}
			return see(v, "/broadcasts?done="+done+"#content")
		}
	}
	status := http.StatusUnprocessableEntity
	var words *casework.WordsError
	switch {
	case err == nil:
		status, f.seen = http.StatusOK, broadcastSeal(a, seen)
	case errors.As(err, &words):
		f.problem = p.T("broadcasts.banned", "words", strings.Join(words.Words, ", "))
	case errors.Is(err, casework.ErrNoWords):
		f.problem = p.T("broadcasts.empty")
	case errors.Is(err, casework.ErrWordsLong):
		f.problem = p.Count("broadcasts.long", casework.BroadcastLong)
	case errors.Is(err, casework.ErrNoWayOut):
		f.problem = p.T("broadcasts.wayout")
	case errors.Is(err, casework.ErrNobody):
		f.problem = p.T("broadcasts.nobody")
	case errors.Is(err, casework.ErrAllClosed):
		f.problem = p.T("broadcasts.allclosed")
	case errors.Is(err, casework.ErrTooMany):
		f.problem = p.Count("broadcasts.many", casework.BroadcastMost)
	case errors.Is(err, casework.ErrTooSlow):
		f.problem = p.T("broadcasts.slow")
	case errors.Is(err, casework.ErrOverBudget):
		f.problem = p.T("broadcasts.budget")
	case errors.Is(err, casework.ErrNoSending):
		status, f.problem = http.StatusConflict, p.T("broadcasts.nothing")
	default:
		return c.failed(v, err)
	}
	p.foresee(&f, seen)
	return c.showBroadcasts(v, status, f, closingForm{})
}

// foresee says what sending takes, as far as it is known.
func (p page) foresee(f *broadcastForm, seen casework.Foreseen) {
	for _, w := range seen.Versions {
		f.texts = append(f.texts, wording{sent: w.Sent, size: p.size(w.Parts) + " · " + p.Count("answer.parts", w.Parts.Parts) + " · " + p.Count("broadcasts.readers", w.Readers)})
	}
	e := seen.Estimate
	if e.Messages == 0 {
		return
	}
	add := func(key, value string) { f.foreseen = append(f.foreseen, moneyRow{p.T(key), value}) }
	add("broadcasts.recipients", strconv.Itoa(e.Messages))
	if seen.Closed > 0 {
		add("broadcasts.closed", strconv.Itoa(seen.Closed))
	}
	add("broadcasts.segments", strconv.Itoa(e.Segments))
	add("broadcasts.cost", francs(e.Cost))
	if e.Bounded {
		add("broadcasts.left", francs(e.Left))
	}
	takes := p.T("broadcasts.takes.none")
	if e.Takes > 0 {
		takes = p.took(e.Takes)
	}
	add("broadcasts.takes", takes)
	add("broadcasts.ends", p.moment(e.Ends))
	if e.Unpriced > 0 {
		f.hint = p.Count("broadcasts.unpriced", e.Unpriced)
	}
}

// broadcastSeal tells what was seen from anything else: the words as phones show
// them, and whom they are for.
func broadcastSeal(a casework.Announcing, seen casework.Foreseen) string {
	var b strings.Builder
	for _, w := range seen.Versions {
		b.WriteString(w.Tag + "\x00" + w.Sent + "\x00")
	}
	sum := sha256.Sum256([]byte(b.String() + a.Project + "\x00" + a.Place))
	return hex.EncodeToString(sum[:])
}

func (c *Console) broadcastRow(p page, b casework.Announced) broadcastRow {
	r := broadcastRow{who: b.Staff, when: p.moment(b.At), stamp: stamp(b.At), text: b.Text}
	if r.who == "" {
		r.who = p.T("history.program")
	}
	switch {
	case b.Project != "":
		r.audience = b.Project + " · " + b.ProjectName
	case b.Place != "":
		r.audience = b.PlaceName
	case b.Region != "":
		r.audience = c.o.RegionName(b.Region)
	default:
		r.audience = p.T("broadcasts.everybody")
	}
	for _, f := range []struct {
		key string
		n   int
	}{{"broadcasts.recipients", b.Recipients}, {"sending.waiting", b.Waiting}, {"broadcasts.sent", b.Sent}, {"sending.delivered", b.Delivered}, {"broadcasts.failed", b.Failed}, {"broadcasts.doubtful", b.Doubtful}} {
		r.figures = append(r.figures, figure{label: p.T(f.key), value: strconv.Itoa(f.n)})
	}
	switch {
	case !b.StoppedAt.IsZero():
		r.stopped = p.T("broadcasts.stopped", "when", p.moment(b.StoppedAt))
	case b.Waiting > 0:
		r.stop = root + "/broadcasts/" + b.ID + "/stop"
	}
	return r
}

func (c *Console) broadcastStop(v *visit) error {
	if _, err := c.o.Desk.StopAnnouncing(v.ctx, v.entry.Account, v.Params("broadcast")); err != nil {
		return c.failed(v, err)
	}
	return see(v, "/broadcasts?done=stopped#content")
}
