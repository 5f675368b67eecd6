// Package rehearsal walks flows without a server: in a terminal, for who wants
// to see one, and along every way there is, for who wants to know that each
// screen fits a phone in each language. It answers what a flow needs from the
// demo's programme, and stores nothing.
package rehearsal

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lafia/internal/demo"
	"lafia/internal/directory"
	"lafia/internal/flow"
	"lafia/internal/locale"
	"lafia/internal/programme"
)

// projects are some of the demo's: two and more in one commune, the longest
// name, and one or more in each of its regions.
var projects = []programme.Project{
	{Code: "LAF1", Dial: "101", Name: "Beurre: barattes et bidons", Place: "ML060504", Region: "ML06"},
	{Code: "LAF2", Dial: "117", Name: "Fonds de roulement coop. femmes", Place: "ML060504", Region: "ML06"},
	{Code: "TOY1", Dial: "125", Name: "Fonds de roulement coop. femmes", Place: "ML060501", Region: "ML06"},
	{Code: "TOY2", Dial: "130", Name: "Beurre: collecte du lait", Place: "ML060501", Region: "ML06"},
	{Code: "TBT1", Dial: "158", Name: "Jeunes: maconnerie", Place: "ML060506", Region: "ML06"},
	{Code: "TBT2", Dial: "163", Name: "Jeunes: atelier couture", Place: "ML060506", Region: "ML06"},
	{Code: "KAB1", Dial: "174", Name: "Fonds de roulement femmes Kabara", Place: "ML060506", Region: "ML06"},
	{Code: "NIA1", Dial: "324", Name: "Peche: reparation pinasses jeunes", Place: "ML060407", Region: "ML06"},
	{Code: "MOP1", Dial: "343", Name: "Lait: kiosque femmes", Place: "ML050614", Region: "ML05"},
	{Code: "SEG1", Dial: "381", Name: "Fonds de roulement femmes Markala", Place: "ML040616", Region: "ML04"},
}

// leads are the groups of the caller, who leads two as one leader of the demo
// does, with their PINs and what they do.
var leads = []struct{ group, pin, activity string }{{"LAF1", "5193", "butter"}, {"LAF2", "8042", "capital"}}

// PINs tells the groups that the caller of a rehearsal leads, and their PINs.
func PINs() string {
	var out []string
	for _, l := range leads {
		out = append(out, "Groupe "+l.group+" "+l.pin)
	}
	return strings.Join(out, ", ")
}

// Given is a reference that the caller of a rehearsal was given, as long as all are.
const Given programme.Reference = "00000000"

// help is the number that a rehearsal gives for help, as long as they come.
const help = "+223 20 00 00 00"

// reply is an answer of a project's team, as long as one that fits an SMS.
const reply = "Merci de votre message. L'equipe a parle avec le comite: le moulin est repare lundi, et la reunion du groupe se tient mercredi apres la priere de midi. A bientot"

// report is one that is there already, by the code of each answer; reportOf is
// what each activity adds.
var (
	report   = map[string]string{"MEM": "24", "REU": "4", "EPA": "24000", "REC": "60000", "EQU": "2", "PB": "4"}
	reportOf = map[string]map[string]string{
		"butter":  {"LAI": "480", "BEU": "22,5"},
		"capital": {"PRE": "6", "RET": "1"},
		"youth":   {"JEU": "12", "FOR": "9"},
		"bridge":  {"GRP": "4", "ACT": "3"},
	}
)

// World answers what a flow needs to know, as a gateway with the demo would.
type World struct {
	Now time.Time

	words   *locale.Catalog
	regions []programme.Place // of the programme
	listed  *directory.Directory

	stranger bool // she leads no group, and no call-back can be kept
	pending  bool // a report by SMS waits to be confirmed

	activity string // what every group does; empty: each what it does in the demo
	reported bool   // the report of every month is there
	old      bool   // and too old to be corrected
	replied  bool   // what she asks about is answered
	erasing  bool   // she has asked to be erased
}

// NewWorld makes a programme to rehearse in.
func NewWorld(words *locale.Catalog, now time.Time) (*World, error) {
	all, err := demo.Places()
	if err != nil {
		return nil, err
	}
	byCode := slices.SortedFunc(slices.Values(projects), func(a, b programme.Project) int { return strings.Compare(a.Code, b.Code) }) // as the record lists them
	w := &World{Now: now, words: words, listed: directory.New(byCode, all)}
	for _, p := range all {
		if p.Level == 1 && slices.ContainsFunc(projects, func(q programme.Project) bool { return q.Region == p.PCode }) {
			w.regions = append(w.regions, p)
		}
	}
	return w, nil
}

// Fact answers one need of a step.
func (w *World) Fact(n flow.Need, medium string) (flow.Fact, error) {
	var f flow.Fact
	switch n.Kind {
	case flow.NeedLanguages:
		for _, l := range w.words.Offered() {
			f.Items = append(f.Items, flow.Item{Value: l.Tag, Say: flow.Line{Text: l.Name}})
		}
	case flow.NeedProject:
		return w.listed.FindProject(n.Arg, projects[0].Dial, medium), nil
	case flow.NeedPlaces:
		return w.listed.Parts(n.Arg, ""), nil
	case flow.NeedPlace:
		return w.listed.FindPlace(n.Arg), nil
	case flow.NeedGroups:
		for _, l := range leads {
			if !w.stranger {
				f.Items = append(f.Items, flow.Item{Value: "G-" + l.group, Say: flow.Line{Text: "Groupe " + l.group}})
			}
		}
	case flow.NeedPIN:
		for _, l := range leads {
			f.OK = f.OK || n.Arg == "G-"+l.group+"/"+l.pin
		}
	case flow.NeedPending:
		if w.pending {
			f.Items = directory.Months(w.Now, false).Items[:1]
			f.Items[0].Value = "pending"
			f.Args = map[string]string{"MEM": "24", "REU": "4", "EPA": "24 000", "REC": "60 000"}
		}
	case flow.NeedActivity:
		f.Args = map[string]string{w.does(n.Arg): "yes"}
	case flow.NeedReported:
		f.OK = w.reported
		if w.reported {
			group, _, _ := strings.Cut(n.Arg, "/")
			f.Args = maps.Clone(report)
			maps.Copy(f.Args, reportOf[w.does(group)])
		}
		if w.old {
			f.Args["old"] = "yes"
		}
	case flow.NeedMonths:
		return directory.Months(w.Now, false), nil
	case flow.NeedReference:
		if ref, ok := programme.ParseReference(n.Arg); ok && ref == Given {
			f = flow.Fact{OK: true, Items: []flow.Item{{Value: "new", Say: flow.Line{Key: "status.new"}}}, Args: map[string]string{"reference": ref.String()}}
			if w.replied {
				f.Args["answer"] = reply
			}
		}
	case flow.NeedHelp:
		f = flow.Fact{OK: true, Args: map[string]string{"number": help}}
	case flow.NeedRegions:
		for _, p := range w.regions {
			f.Items = append(f.Items, flow.Item{Value: p.PCode, Say: flow.Line{Text: p.Name}})
		}
	case flow.NeedCallback:
		f.OK = !w.stranger
	case flow.NeedConsent: // nobody has asked her yet
	case flow.NeedErasing:
		f.OK = w.erasing
	default:
		return f, fmt.Errorf("a flow needs %q, which nothing answers", n.Kind)
	}
	return f, nil
}

// does is the activity of a group.
func (w *World) does(group string) string {
	for _, l := range leads {
		if group == "G-"+l.group {
			return cmp.Or(w.activity, l.activity)
		}
	}
	return ""
}
