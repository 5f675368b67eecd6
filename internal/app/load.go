package app

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"lafia/gateway/message"
	"lafia/internal/audit"
	"lafia/internal/demo"
	"lafia/internal/programme"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// Programme are the files that a programme is loaded from; empty ones are left
// out. Their first row names the columns.
type Programme struct {
	Places   string // pcode, level, name, parent; "mali": the embedded gazetteer
	Projects string // code, name, kind, place, commune (its name, checked), phase
	Groups   string // code, name, project, place, phone, pin: a row a leader
}

// Loaded counts what was read.
type Loaded struct {
	Places   int `json:"places"`
	Projects int `json:"projects"`
	Groups   int `json:"groups"`
}

// LoadProgramme loads files into the database of a config file. Nothing of a
// file is loaded when a line of it is wrong; loading again changes what is there.
func LoadProgramme(ctx context.Context, config string, p Programme) (Loaded, error) {
	var n Loaded
	c, s, err := openRecord(ctx, config)
	if err != nil {
		return n, err
	}
	defer s.Close()
	ring, err := openKeys(ctx, s, c.Keys.Dir)
	if err != nil {
		return n, err
	}
	l := &loader{store: s, audit: sync.OnceValue(func() error { return s.Audit(ctx, commandAct(ring, audit.ProgrammeLoad, "", "", 0)) })}
	if p.Places != "" {
		if n.Places, err = l.places(ctx, p.Places); err != nil {
			return n, err
		}
	}
	if err := l.know(ctx); err != nil {
		return n, err
	}
	if p.Projects != "" {
		if n.Projects, err = l.projects(ctx, p.Projects); err != nil {
			return n, err
		}
	}
	if p.Groups != "" {
		if n.Groups, err = l.groups(ctx, p.Groups, ring); err != nil {
			return n, err
		}
	}
	return n, nil
}

type loader struct {
	store *store.Store
	audit func() error      // writes that the programme is loaded, once, before anything is
	names map[string]string // of places, by code
	known map[string]programme.Project
	dials map[string]bool
}

func (l *loader) know(ctx context.Context) error {
	places, err := l.store.Places(ctx)
	if err != nil {
		return err
	}
	l.names = map[string]string{}
	for _, p := range places {
		l.names[p.PCode] = p.Name
	}
	projects, err := l.store.Projects(ctx)
	if err != nil {
		return err
	}
	l.known, l.dials = map[string]programme.Project{}, map[string]bool{}
	for _, p := range projects {
		l.known[p.Code], l.dials[p.Dial] = p, true
	}
	return nil
}

// rows reads a file by the names of its columns. Each problem names file and line.
func rows(path string, columns []string, each func(at string, r map[string]string) error) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("opening %s: %w", path, err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment, r.TrimLeadingSpace = '#', true
	head, err := r.Read()
	if err != nil {
		return 0, fmt.Errorf("%s: reading the names of its columns: %w", path, err)
	}
	at := map[string]int{}
	for i, h := range head {
		at[strings.TrimPrefix(strings.TrimSpace(h), "\ufeff")] = i
	}
	for _, c := range columns {
		if _, ok := at[c]; !ok {
			return 0, fmt.Errorf("%s: there is no column %q; it needs %s", path, c, strings.Join(columns, ", "))
		}
	}
	n := 0
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("%s: %w", path, err)
		}
		line, _ := r.FieldPos(0)
		row := map[string]string{}
		for name, i := range at {
			row[name] = strings.TrimSpace(rec[i])
		}
		if err := each(fmt.Sprintf("%s:%d", path, line), row); err != nil {
			return n, err
		}
		n++
	}
}

func (l *loader) places(ctx context.Context, path string) (int, error) {
	if path == "mali" {
		places, err := demo.Places()
		if err != nil {
			return 0, err
		}
		if err := l.audit(); err != nil {
			return 0, err
		}
		return len(places), l.store.PutPlaces(ctx, demo.Gazetteer, places)
	}
	var out []programme.Place
	n, err := rows(path, []string{"pcode", "level", "name", "parent"}, func(at string, r map[string]string) error {
		level, err := strconv.Atoi(r["level"])
		if err != nil || level < 0 || level > 3 {
			return fmt.Errorf("%s: level %q is none of 0, 1, 2, 3", at, r["level"])
		}
		out = append(out, programme.Place{PCode: r["pcode"], Level: level, Name: r["name"], Parent: r["parent"]})
		return nil
	})
	if err != nil {
		return 0, err
	}
	if err := l.audit(); err != nil {
		return 0, err
	}
	return n, l.store.PutPlaces(ctx, path, out)
}

// projects keeps the dial code of a project that has one: it is printed.
func (l *loader) projects(ctx context.Context, path string) (int, error) {
	var out []programme.Project
	n, err := rows(path, []string{"code", "name", "kind", "place", "commune", "phase"}, func(at string, r map[string]string) error {
		p := programme.Project{Code: strings.ToUpper(r["code"]), Name: r["name"], Kind: r["kind"], Place: r["place"], Region: programme.Region(r["place"])}
		if p.Code == "" || strings.Trim(p.Code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			return fmt.Errorf("%s: code %q is not of letters and digits", at, r["code"])
		}
		if err := l.checkPlace(at, p.Place, r["commune"]); err != nil {
			return err
		}
		var err error
		if p.Phase, err = strconv.Atoi(r["phase"]); err != nil {
			return fmt.Errorf("%s: phase %q is no number", at, r["phase"])
		}
		if old, ok := l.known[p.Code]; ok {
			p.Dial = old.Dial
		} else if p.Dial, err = l.freeDial(); err != nil {
			return err
		}
		l.known[p.Code] = p
		out = append(out, p)
		return nil
	})
	if err != nil {
		return 0, err
	}
	if err := l.audit(); err != nil {
		return 0, err
	}
	return n, l.store.PutProjects(ctx, out, false)
}

// checkPlace refuses a code whose name is another: codes were renumbered, and an
// old one would be another commune (context.md 0.1).
func (l *loader) checkPlace(at, code, name string) error {
	real, ok := l.names[code]
	switch {
	case !ok:
		return fmt.Errorf("%s: there is no place %q: load places first, `--places mali` for Mali's", at, code)
	case programme.MatchKey(real) != programme.MatchKey(name):
		return fmt.Errorf("%s: %s is %s, not %s: codes were renumbered between gazetteers", at, code, real, name)
	}
	return nil
}

// freeDial gives the next unused digits for a phone: a number from 10 on and its
// check digit.
func (l *loader) freeDial() (string, error) {
	for n := 10; n < 10_000; n++ {
		d := strconv.Itoa(n)
		d += string(programme.CheckDigit(d))
		if !l.dials[d] {
			l.dials[d] = true
			return d, nil
		}
	}
	return "", errors.New("there are no free dial codes left")
}

func (l *loader) groups(ctx context.Context, path string, ring *vault.Ring) (int, error) {
	type leader struct {
		group programme.Group
		phone message.Number
		pin   string
	}
	var out []leader
	n, err := rows(path, []string{"code", "name", "project", "place", "phone", "pin"}, func(at string, r map[string]string) error {
		g := programme.Group{Code: strings.ToUpper(r["code"]), Name: r["name"], Project: strings.ToUpper(r["project"]), Place: r["place"], Region: programme.Region(r["place"])}
		if _, ok := l.known[g.Project]; g.Project != "" && !ok {
			return fmt.Errorf("%s: there is no project %q: load projects first", at, g.Project)
		}
		if _, ok := l.names[g.Place]; !ok {
			return fmt.Errorf("%s: there is no place %q: load places first", at, g.Place)
		}
		phone := message.ParseNumber(r["phone"])
		if !phone.IsPhone() {
			return fmt.Errorf("%s: phone is no full number", at)
		}
		if len(r["pin"]) < 4 || len(r["pin"]) > 8 || strings.Trim(r["pin"], "0123456789") != "" {
			return fmt.Errorf("%s: pin is not of 4 to 8 digits", at)
		}
		out = append(out, leader{group: g, phone: phone, pin: r["pin"]})
		return nil
	})
	if err != nil {
		return 0, err
	}
	if err := l.audit(); err != nil {
		return 0, err
	}
	for _, v := range out {
		if err := l.store.PutGroup(ctx, v.group, ring.Pseudonym(v.phone.Reveal()).Bytes(), ring.PINHash(v.group.Code, v.pin), false); err != nil {
			return 0, err
		}
	}
	return n, nil
}
