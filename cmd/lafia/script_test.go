package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"lafia/internal/servers/serverstest"
)

// withServers stops the servers that tests asked for.
type withServers struct{ m *testing.M }

func (w withServers) Run() int { return serverstest.Run(w.m) }

func TestMain(m *testing.M) {
	testscript.Main(withServers{m}, map[string]func(){
		"lafia": func() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// The command line's contract: what it prints where, and its exit status.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireExplicitExec: true})
}
