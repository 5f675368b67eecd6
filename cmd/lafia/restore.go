package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"lafia/internal/app"
)

// restoreCmd is `lafia restore`.
type restoreCmd struct {
	Status  restoreStatusCmd  `cmd:"" help:"Tell whether a backup was restored that nobody has confirmed. It exits 1 while nothing is sent because of it."`
	Confirm restoreConfirmCmd `cmd:"" help:"Let messages be sent again behind a restored backup."`
}

// restoreStatusCmd is `lafia restore status`.
type restoreStatusCmd struct {
	site
	JSON bool `help:"For programs."`
}

// restoreStatus is what it prints for programs.
type restoreStatus struct {
	Held      bool           `json:"held"`
	NoticedAt *time.Time     `json:"noticed_at"`
	Node      string         `json:"node"`
	BackupAt  *time.Time     `json:"backup_at"` // about when it was taken
	SeenAt    *time.Time     `json:"seen_at"`   // until when the record of before was seen; null: no gateway remembers it
	Doubtful  map[string]int `json:"doubtful"`  // by class: queued in the backup, perhaps sent since
	Queued    map[string]int `json:"queued"`
	Followups int            `json:"follow_ups"`
	List      string         `json:"list"`
	Listed    int            `json:"listed"`
	Again     int            `json:"to_erase_again"`
	Bad       int            `json:"unreadable_lines"`
}

// Run fails while nothing is sent.
func (c *restoreStatusCmd) Run(ctx *cliContext) error {
	at, err := c.site.site()
	if err != nil {
		return err
	}
	r, err := app.RestoreStatus(ctx.Ctx, at)
	if err != nil {
		return err
	}
	s := restoreStatus{Held: r.Held, Node: r.Node, Doubtful: r.Doubtful, Queued: r.Queued, Followups: r.Followups, List: r.List, Listed: r.Listed, Again: r.Again, Bad: r.Bad,
		NoticedAt: orNil(r.NoticedAt), BackupAt: orNil(r.BackupAt)}
	if r.Known > 0 {
		s.SeenAt = orNil(r.KnownAt)
	}
	if c.JSON {
		if err := printJSON(ctx.Stdout, s); err != nil {
			return err
		}
	} else {
		printRestore(ctx, s)
	}
	if s.Held {
		return &exitError{status: 1, err: errors.New("nothing is sent until `lafia restore confirm`")}
	}
	return nil
}

func printRestore(ctx *cliContext, s restoreStatus) {
	out := func(format string, args ...any) { fmt.Fprintf(ctx.Stdout, format+"\n", args...) }
	if s.List == "" {
		out("there is no list of who was erased on this machine")
	} else {
		out("%s: %d people were erased, %d of them are to be erased again, %d lines cannot be read", s.List, s.Listed, s.Again, s.Bad)
	}
	if !s.Held {
		out("no restore waits to be confirmed")
		return
	}
	out("a backup of about %s UTC was restored: the gateway %s noticed it at %s", s.BackupAt.Format(time.DateTime), s.Node, s.NoticedAt.Format(time.DateTime))
	if s.SeenAt != nil {
		out("what came in until %s UTC and is not in it is lost", s.SeenAt.Format(time.DateTime))
	} else {
		out("no gateway remembers the record of before: give its list of who was erased with --erased FILE")
	}
	out("queued in it, perhaps sent since, not sent by itself: %s", counted(s.Doubtful))
	out("queued, to be sent once it is confirmed: %s", counted(s.Queued))
	if s.Followups > 0 {
		out("%d people may have been asked again since: they are not asked", s.Followups)
	}
}

func counted(by map[string]int) string {
	if len(by) == 0 {
		return "nothing"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%d %s", by[name], name))
	}
	return strings.Join(parts, ", ")
}

// restoreConfirmCmd is `lafia restore confirm`.
type restoreConfirmCmd struct {
	site
	Reason string   `placeholder:"TEXT" help:"Why, and which backup. The audit keeps it, sealed. Required."`
	Erased []string `placeholder:"FILE" help:"A list of who was erased, from the spool folder of a gateway of before (its file erased). More than one may be given."`
	NoList bool     `help:"There is no such list any more: who was erased since the backup is back. Needed on new machines alone."`
	JSON   bool     `help:"For programs."`
}

// restoreConfirmed is what it prints for programs.
type restoreConfirmed struct {
	Confirmed bool           `json:"confirmed"` // false: nothing waited for it
	Again     int            `json:"erased_again"`
	Doubtful  map[string]int `json:"doubtful"`
	Queued    map[string]int `json:"queued"`
	Followups int            `json:"follow_ups"`
}

// Run confirms.
func (c *restoreConfirmCmd) Run(ctx *cliContext) error {
	if strings.TrimSpace(c.Reason) == "" {
		return wrongUse("say with --reason TEXT why, and which backup it is: the audit keeps it")
	}
	if c.NoList && len(c.Erased) > 0 {
		return wrongUse("--no-list says that there is no list, and --erased gives one")
	}
	at, err := c.site.site()
	if err != nil {
		return err
	}
	r, err := app.ConfirmRestore(ctx.Ctx, at, app.Confirming{Reason: c.Reason, Erased: c.Erased, NoList: c.NoList}, ctx.log(slog.LevelWarn))
	if errors.Is(err, app.ErrNoList) {
		return fmt.Errorf("%w: give the file `erased` from the spool folder of a gateway of before with --erased FILE, or say --no-list if all are lost", err)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(ctx.Stdout, restoreConfirmed{r.Held, r.Again, r.Doubtful, r.Queued, r.Followups})
	}
	out := func(format string, args ...any) { fmt.Fprintf(ctx.Stdout, format+"\n", args...) }
	if r.Again > 0 {
		out("%d people were erased again", r.Again)
	}
	if !r.Held {
		out("no restore waited to be confirmed")
		return nil
	}
	out("messages are sent again, within half a minute")
	out("not sent by itself, since it may have been sent after the backup: %s; staff see it as in doubt", counted(r.Doubtful))
	out("queued, and sent now: %s", counted(r.Queued))
	if r.Followups > 0 {
		out("%d people who may have been asked again since are not asked", r.Followups)
	}
	return nil
}
