package app_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"lafia/gateway/message"
	"lafia/internal/app"
	"lafia/internal/programme"
)

// trips counts what goes to the servers from within a hop: both clients call
// their hooks on the goroutine that makes the trip, so its stack tells.
type trips struct {
	mu       sync.Mutex
	redis    []string
	postgres []string
}

func inHop() bool {
	pcs := make([]uintptr, 128)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, "conversation.(*Conversation).Hop") {
			return true
		}
		if !more {
			return false
		}
	}
}

func (c *trips) toRedis(what string) {
	if inHop() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.redis = append(c.redis, what)
	}
}

func (c *trips) toPostgres(what string) {
	if inHop() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.postgres = append(c.postgres, what)
	}
}

// take gives what was counted since the last time.
func (c *trips) take() (redis, postgres []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	redis, postgres = c.redis, c.postgres
	c.redis, c.postgres = nil, nil
	return redis, postgres
}

// go-redis: a command is a trip, and so is a pipeline.

func (c *trips) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.toRedis(cmd.Name())
		return next(ctx, cmd)
	}
}

func (c *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.toRedis(fmt.Sprintf("a pipeline of %d", len(cmds)))
		return next(ctx, cmds)
	}
}

// pgx: a query, a batch, a preparation and a copy are trips.

func (c *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	c.toPostgres(d.SQL)
	return ctx
}
func (c *trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.toPostgres("a batch")
	return ctx
}
func (c *trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (c *trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// counted is a talk that counts its hops.
type counted struct {
	talk
	hops int
}

func (c *counted) begin() screen           { c.hops++; return c.talk.begin() }
func (c *counted) say(input string) screen { c.hops++; return c.talk.say(input) }

// TestAHopThatFinishesNothingMakesTwoTripsToRedisAndNoneToPostgreSQL counts over
// whole conversations.
func TestAHopThatFinishesNothingMakesTwoTripsToRedisAndNoneToPostgreSQL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := &trips{}
	a := w.start(t, func(o *app.Options) { o.Postgres.Tracer = c })
	a.Sessions().Hook(c)
	// The first hop of all teaches Redis the script, and the first one of a caller
	// reads what the record knows of her.
	strange := newPhone(t, canary(0), a.URL())
	strange.dial("")
	if _, postgres := c.take(); len(postgres) != 1 {
		t.Errorf("a stranger's first hop went to PostgreSQL %d times: %q", len(postgres), postgres)
	}
	for n, kind := range []programme.Kind{programme.Feedback, programme.Tension} {
		walk := newWalk(t, kind, languages[n], message.USSD, canary(1+n))
		walk.list = true
		p := newPhone(t, walk.number, a.URL())
		p.dial("")
		ussd{p}.say(fmt.Sprint(n + 1))
		c.take()
		k := &counted{talk: p.on(message.USSD)}
		hops, wished := 0, false
		last := walk.play(t, k, func(s screen) { // she is cached: the dial counts too
			t.Helper()
			redis, postgres := c.take()
			most := 0
			if wished { // a yes or no is durable at once
				most = 1
			}
			wished = walk.shows(s, "answer.ask") || walk.shows(s, "tension.again")
			if len(redis) != 2*k.hops || len(postgres) > most {
				t.Errorf("%d hops to\n%s\nmade the trips %q to Redis and %q to PostgreSQL", k.hops, s.text, redis, postgres)
			}
			hops, k.hops = hops+k.hops, 0
		})
		redis, postgres := c.take()
		if k.hops != 1 || len(redis) != 2 || len(postgres) != 1 {
			t.Errorf("the finishing hop made the trips %q to Redis and %q to PostgreSQL", redis, postgres)
		}
		if hops < 6 {
			t.Errorf("%d hops were counted", hops)
		}
		p.show()
		if redis, postgres := c.take(); len(redis) != 1 || len(postgres) != 0 {
			t.Errorf("a repeat made the trips %q to Redis and %q to PostgreSQL", redis, postgres)
		}
		walk.check(t, w.record, w.ring, reference(last))
	}
	// She who waits makes none: drafts are written behind the replies, and elsewhere.
	time.Sleep(1500 * time.Millisecond)
	if redis, postgres := c.take(); len(redis)+len(postgres) != 0 {
		t.Errorf("behind the replies hops made the trips %q and %q", redis, postgres)
	}
}
