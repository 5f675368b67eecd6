package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lafia/gateway"
)

// startWeb mounts everything and answers on the port.
func (a *App) startWeb() error {
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	words := a.conversation.Words.Words("")
	metrics := gateway.NewMetrics(a.registry)
	if err := a.recallAlive(metrics); err != nil {
		return err
	}
	a.web = gateway.NewApp(gateway.AppOptions{TrustedProxies: a.TrustedProxies, Log: a.Log})
	gateway.New(gateway.Options{
		Channels: a.Channels, Handler: a.conversation, Now: a.Now, Log: a.Log, Metrics: metrics,
		TrustedProxies: a.TrustedProxies, BusyText: words.Folded("error.busy", nil), FailText: words.Folded("error.notsaved", nil),
	}).Mount(a.web)
	c, err := a.newConsole()
	if err != nil {
		return fmt.Errorf("preparing the console: %w", err)
	}
	c.Mount(a.web)
	if a.Simulator != nil {
		a.Simulator.Mount(a.web)
	}
	a.web.Get("/healthz", func(c *fiber.Ctx) error { return c.SendString("ok\n") })
	a.web.Get("/readyz", a.ready)
	a.web.Get("/", func(c *fiber.Ctx) error { return c.Redirect("/console", fiber.StatusSeeOther) })
	scrape := adaptor.HTTPHandler(promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}))
	if a.AdminListen == "" {
		a.web.Get("/metrics", scrape)
	} else {
		l, err := listen(a.AdminListen)
		if err != nil {
			return err
		}
		a.admin = gateway.NewApp(gateway.AppOptions{Log: a.Log})
		a.admin.Get("/metrics", scrape)
		a.admin.Get("/healthz", func(c *fiber.Ctx) error { return c.SendString("ok\n") })
		a.admin.Get("/readyz", a.ready)
		go func() { _ = a.admin.Listener(l) }()
		a.onStop(a.admin.ShutdownWithContext)
	}
	go func() {
		if err := a.web.Listener(a.listener); err != nil {
			a.Log.Error("the listener ended", "error", err)
		}
	}()
	a.onStop(a.closeWeb)
	return nil
}

// recallAlive sets the metric of signs of life to what the record knows, so that
// a restart does not look like a phone that was never heard.
func (a *App) recallAlive(m *gateway.Metrics) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	alive, err := a.store.ChannelsAlive(ctx)
	if err != nil {
		return err
	}
	for _, c := range a.Channels {
		if at, ok := alive[c.Name]; ok {
			m.Alive(c.Name, at)
		}
	}
	return nil
}

// closeWeb takes no new request and waits for those under way. Connections that
// were opened and never used would hold it to the end of their time-out, so the
// wait ends with the drain.
func (a *App) closeWeb(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.Drain)
	defer cancel()
	if err := a.web.ShutdownWithContext(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// ready tells whether the servers answer, each by name. Without PostgreSQL the
// gateway is ready, and degraded, as long as the spool takes what is said (F12).
func (a *App) ready(c *fiber.Ctx) error {
	ask := func(server func(context.Context) error) error { // each for itself: one that hangs says nothing of another
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return server(ctx)
	}
	state := fiber.Map{"postgres": "ok", "redis": "ok"}
	takes := false
	if a.journal != nil {
		takes = a.journal.takes()
		state["spooled"] = a.journal.Pending()
		if state["spool"] = "ok"; !takes {
			state["spool"] = "takes nothing"
		}
	}
	code := fiber.StatusOK
	if err := ask(a.store.Ping); err != nil {
		if state["postgres"] = "away"; takes {
			state["degraded"] = true
		} else {
			code = fiber.StatusServiceUnavailable
		}
	}
	if err := ask(a.sessions.Ping); err != nil {
		state["redis"], code = "away", fiber.StatusServiceUnavailable
	}
	if overdue := a.unhandled.overdue(); overdue != "" {
		state["unhandled"] = overdue
	}
	select {
	case <-a.draining:
		state["gateway"], code = "stopping", fiber.StatusServiceUnavailable
	default:
	}
	return c.Status(code).JSON(state)
}
