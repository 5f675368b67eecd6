package demo

import (
	"embed"
	"encoding/csv"
	"fmt"
	"strconv"

	"lafia/internal/programme"
)

// Gazetteer is the version of the embedded places.
const Gazetteer = "COD-AB 2021-12-20"

//go:embed data
var files embed.FS

// data is what the demo is made of, as it lies in the files.
type data struct {
	places   []programme.Place
	projects []programme.Project
	groups   []programme.Group
	leaders  []Leader
	texts    []text
}

// text is something that a person might write.
type text struct {
	kind     programme.Kind
	code     string // type of the feedback, group of the tension
	phase    string // of the tension
	language string
	about    string // a project, a kind of project, or a place; "": anything
	text     string
}

// records reads one of the files, without its comments and its first row.
func records(name string, columns int) ([][]string, error) {
	f, err := files.Open("data/" + name)
	if err != nil {
		return nil, fmt.Errorf("opening the demo's %s: %w", name, err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment, r.FieldsPerRecord = '#', columns
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading the demo's %s: %w", name, err)
	}
	return rows[1:], nil
}

func readData() (data, error) {
	var d data
	places, err := records("places.csv", 4)
	if err != nil {
		return d, err
	}
	for _, r := range places {
		level, err := strconv.Atoi(r[1])
		if err != nil {
			return d, fmt.Errorf("reading the level of place %s: %w", r[0], err)
		}
		d.places = append(d.places, programme.Place{PCode: r[0], Level: level, Name: r[2], Parent: r[3]})
	}
	projects, err := records("projects.csv", 7)
	if err != nil {
		return d, err
	}
	at := map[string]programme.Project{}
	for _, r := range projects {
		phase, err := strconv.Atoi(r[6])
		if err != nil {
			return d, fmt.Errorf("reading the phase of project %s: %w", r[0], err)
		}
		p := programme.Project{Code: r[0], Dial: r[1], Name: r[2], Kind: r[3], Place: r[4], Region: r[5], Phase: phase}
		d.projects, at[p.Code] = append(d.projects, p), p
	}
	leaders, err := records("leaders.csv", 3)
	if err != nil {
		return d, err
	}
	known := map[string]bool{}
	for _, r := range leaders {
		p, ok := at[r[0]]
		if !ok {
			return d, fmt.Errorf("a demo group has the project %s, which is none", r[0])
		}
		// No place in the name: a place can tell who its people are (context.md 0.3).
		g := programme.Group{Code: "G-" + p.Code, Name: "Groupe " + p.Code, Project: p.Code, Place: p.Place, Region: p.Region}
		if !known[g.Code] {
			known[g.Code], d.groups = true, append(d.groups, g)
		}
		d.leaders = append(d.leaders, Leader{Phone: r[1], Group: g.Code, PIN: r[2]})
	}
	texts, err := records("texts.csv", 6)
	if err != nil {
		return d, err
	}
	for _, r := range texts {
		d.texts = append(d.texts, text{kind: programme.Kind(r[0]), code: r[1], phase: r[2], language: r[3], about: r[4], text: r[5]})
	}
	return d, nil
}

// Places gives the embedded gazetteer of Mali: regions, cercles and communes,
// for a programme that has no other.
func Places() ([]programme.Place, error) {
	d, err := readData()
	return d.places, err
}
