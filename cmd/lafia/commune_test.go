package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lafia/internal/programme"
	"lafia/internal/servers/serverstest"
	"lafia/internal/store"
	"lafia/internal/vault"
)

// siteOf makes a config file with keys and a database, which has some communes.
func siteOf(t *testing.T) (config string) {
	t.Helper()
	url := serverstest.Postgres(t)
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.PutPlaces(context.Background(), "x", []programme.Place{
		{PCode: "ML0605", Level: 2, Name: "Niafunké", Parent: "ML06"}, {PCode: "ML060504", Level: 3, Name: "Soboundou", Parent: "ML0605"},
		{PCode: "ML060505", Level: 3, Name: "Banikane", Parent: "ML0605"}, {PCode: "ML060101", Level: 3, Name: "Banikane", Parent: "ML0601"},
	}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := vault.Create(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(dir, "lafia.toml")
	text := fmt.Sprintf("[postgres]\nurl = %q\n[redis]\nurl = \"unix:///nowhere\"\n[keys]\ndir = %q\n", url, filepath.Join(dir, "keys"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

func TestACommuneIsClosedListedAndOpenedByCommand(t *testing.T) {
	config := siteOf(t)
	for _, c := range []struct {
		args   string
		status int
		out    string // in what it prints; "": nothing
		wrong  string // in what it prints to standard error
	}{
		{"list", 0, "no commune is closed\n", ""},
		{"list --json", 0, "[]\n", ""},
		{"close soboundou --reason front", 0, "ML060504 Soboundou (cercle of Niafunké) is closed: no announcement", ""},
		{"close ML060504", 0, "ML060504 Soboundou (cercle of Niafunké) was closed already\n", ""},
		{"close ML060504 --json", 0, `{"pcode":"ML060504","name":"Soboundou","cercle":"Niafunké","closed":true,"changed":false}`, ""},
		{"close Banikane", 2, "", "Banikane: give the P-code of the one that is meant:\n  ML060505 Banikane (cercle of Niafunké)\n  ML060101 Banikane\n"},
		{"close ML069999", 2, "", "ML069999: no commune has this P-code or name"},
		{"open nowhere", 2, "", "nowhere: no commune has this P-code or name"},
		{"close ML0605", 2, "", "ML0605: it is a cercle or a region"},
		{"close", 2, "", "expected"},
		{"list", 0, "ML060504 Soboundou (cercle of Niafunké): closed since 20", ""},
		{"list --json", 0, `"by":"cli:`, ""},
		{"open ML060505 --json", 0, `"closed":false,"changed":false}`, ""},
		{"open ML060505", 0, "ML060505 Banikane (cercle of Niafunké) was not closed\n", ""},
		{"open ML060504", 0, "is open again; what was not sent meanwhile stays unsent\n", ""},
		{"list", 0, "no commune is closed\n", ""},
	} {
		var out, wrong bytes.Buffer
		status := run(append(append([]string{"commune"}, strings.Fields(c.args)...), "--config", config), strings.NewReader(""), &out, &wrong)
		if status != c.status || !strings.Contains(out.String(), c.out) || (c.out == "") != (out.Len() == 0) || !strings.Contains(wrong.String(), c.wrong) || (c.wrong == "") != (wrong.Len() == 0) {
			t.Errorf("%s: %d\n%s%s", c.args, status, out.String(), wrong.String())
		}
	}
	var out bytes.Buffer
	if status := run([]string{"audit", "verify", "--config", config}, strings.NewReader(""), &out, &out); status != 0 || !strings.Contains(out.String(), "2 entries hold") {
		t.Errorf("the audit: %d, %s", status, out.String())
	}
}
