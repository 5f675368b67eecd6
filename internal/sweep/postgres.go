package sweep

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// Dial is store.Options.Dial.
func (c *Counter) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if c.gone(Postgres) {
		return nil, errGone("dial")
	}
	n, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: n, c: c}
	c.open(w)
	return w, nil
}

// wire is a connection to PostgreSQL.
type wire struct {
	net.Conn
	c     *Counter
	state atomic.Int32
}

// The states of a wire.
const (
	whole   = iota
	broken  // the next write fails
	losing  // the answer to the next statement that runs is lost
	running // that statement was written
)

func (w *wire) Close() error {
	w.c.close(w)
	return w.Conn.Close()
}

func (w *wire) Write(b []byte) (int, error) {
	if w.c.gone(Postgres) || w.state.Load() == broken {
		_ = w.Close()
		return 0, errGone("write")
	}
	if pinged(b) {
		switch w.c.at(Postgres, "ping") {
		case fail:
			_ = w.Close()
			return 0, errGone("write")
		case lose:
			w.state.Store(losing)
		}
	}
	n, err := w.Conn.Write(b)
	if err == nil && w.state.Load() == losing && runs(b) {
		w.state.Store(running)
	}
	return n, err
}

func (w *wire) Read(b []byte) (int, error) {
	if w.state.Load() != running {
		n, err := w.Conn.Read(b)
		if w.c.gone(Postgres) { // what comes now comes too late
			return 0, errGone("read")
		}
		return n, err
	}
	// It has run once the server is ready for the next one: only then is its answer lost.
	var last []byte
	chunk := make([]byte, 4096)
	for !ready(last) {
		n, err := w.Conn.Read(chunk)
		if err != nil {
			return 0, err
		}
		last = append(last, chunk[:n]...)
		last = last[max(0, len(last)-6):]
	}
	_ = w.Close()
	return 0, errGone("read")
}

// ready reports whether bytes end with ReadyForQuery (PostgreSQL, "Message Formats").
func ready(b []byte) bool { return len(b) == 6 && bytes.Equal(b[:5], []byte{'Z', 0, 0, 0, 5}) }

// runs reports whether a write has a statement run: Execute or Query.
func runs(b []byte) bool {
	for len(b) >= 5 && b[0] != 0 { // 0: the start-up packet, which has no type
		n := int(binary.BigEndian.Uint32(b[1:5]))
		if b[0] == 'E' || b[0] == 'Q' {
			return true
		}
		if n < 4 || len(b) < 1+n {
			return false
		}
		b = b[1+n:]
	}
	return false
}

// pinged reports whether a write is the ping of pgx, which its tracers do not see.
func pinged(b []byte) bool {
	return len(b) > 5 && b[0] == 'Q' && bytes.HasPrefix(b[5:], []byte("-- ping"))
}

// Tracer is store.Options.Tracer: it sees each statement before it is sent.
type Tracer struct{ c *Counter }

// Tracer gives the counter's.
func (c *Counter) Tracer() Tracer { return Tracer{c} }

func (t Tracer) start(ctx context.Context, conn *pgx.Conn, sql string) context.Context {
	w, ok := conn.PgConn().Conn().(*wire)
	if !ok {
		return ctx
	}
	switch t.c.at(Postgres, verb(sql)) {
	case fail:
		w.state.Store(broken)
	case lose:
		w.state.Store(losing)
	}
	return ctx
}

// verb gives the first word of a statement, or the name that River gave it.
func verb(sql string) string {
	f := strings.Fields(sql)
	switch {
	case len(f) == 0:
		return "nothing"
	case len(f) > 2 && f[0] == "--" && f[1] == "name:":
		return f[2]
	}
	return strings.ToLower(strings.TrimSuffix(f[0], ";"))
}

// TraceQueryStart sees a query, begin and commit among them.
func (t Tracer) TraceQueryStart(ctx context.Context, conn *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	return t.start(ctx, conn, d.SQL)
}

// TraceQueryEnd does nothing.
func (t Tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart sees a batch.
func (t Tracer) TraceBatchStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return t.start(ctx, conn, "batch")
}

// TraceBatchQuery does nothing.
func (t Tracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd does nothing.
func (t Tracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TraceCopyFromStart sees a copy.
func (t Tracer) TraceCopyFromStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return t.start(ctx, conn, "copy")
}

// TraceCopyFromEnd does nothing.
func (t Tracer) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {}
