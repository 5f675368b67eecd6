package sweep

import (
	"context"
	"net"

	"github.com/redis/go-redis/v9"
)

// Hook is session.Store.Hook's.
type Hook struct{ c *Counter }

// Hook gives the counter's.
func (c *Counter) Hook() Hook { return Hook{c} }

// DialHook refuses connections while Redis is away. Dialling is no point of its
// own: the command that wants it is.
func (h Hook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if h.c.gone(Redis) {
			return nil, errGone("dial")
		}
		return next(ctx, network, addr)
	}
}

// ProcessHook sees a command.
func (h Hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		switch h.c.at(Redis, cmd.Name()) {
		case fail:
			return errGone("read")
		case lose:
			_ = next(ctx, cmd)
			return errGone("read")
		}
		err := next(ctx, cmd)
		if h.c.gone(Redis) { // what comes now comes too late
			return errGone("read")
		}
		return err
	}
}

// ProcessPipelineHook sees what a new connection begins with.
func (h Hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if h.c.gone(Redis) {
			return errGone("read")
		}
		return next(ctx, cmds)
	}
}
