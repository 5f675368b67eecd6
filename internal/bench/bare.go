package bench

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/redis/go-redis/v9"

	"lafia/gateway"
)

// barePath is where the bare handler answers.
const barePath = "/bare"

// compareAndSet is the least that keeps a session safe from a second hop: the
// value is replaced if its version is still the one that was read.
var compareAndSet = redis.NewScript(`
if redis.call('GETRANGE', KEYS[1], 0, 7) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`)

// serveBare answers as the bare handler: the same server settings as the
// gateway's, the fields of a hop read, one GET, one compare-and-set of a value
// of the size of a session. It does nothing with what it read.
func serveBare(ctx context.Context, s childSpec) (url string, stop func(), err error) {
	// The same settings as session.Open's.
	rdb := redis.NewClient(&redis.Options{
		Protocol: 2,
		Network:  "unix", Addr: s.RedisSocket, PoolSize: 32, ContextTimeoutEnabled: true, DisableIdentity: true,
		DialTimeout: 200 * time.Millisecond, ReadTimeout: time.Second, WriteTimeout: time.Second,
		MaxRetries: 1, MinRetryBackoff: 5 * time.Millisecond,
	})
	if err := rdb.Ping(ctx).Err(); err != nil {
		return "", nil, fmt.Errorf("reaching Redis: %w", err)
	}
	value := make([]byte, max(s.ValueSize, 8))
	_, _ = rand.Read(value)
	app := gateway.NewApp(gateway.AppOptions{})
	app.Post(barePath, func(c *fiber.Ctx) error {
		ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		return bareHop(ctx, c, rdb, value)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	go func() { _ = app.Listener(l) }()
	stop = func() {
		_ = app.ShutdownWithTimeout(time.Second)
		_ = rdb.Close()
	}
	return "http://" + l.Addr().String(), stop, nil
}

// bareReply has the length of a screen.
const bareReply = "CON C'est:\n1 Une question\n2 Une idee, une demande\n3 Pas content\n4 Un merci\n5 Un souci\n6 On dit que...\n0 Retour 00 Menu"

func bareHop(ctx context.Context, c *fiber.Ctx, rdb *redis.Client, random []byte) error {
	phone := c.FormValue("phoneNumber")
	if phone == "" || c.FormValue("sessionId") == "" || len(c.FormValue("text")) > 1<<10 {
		return fiber.ErrBadRequest
	}
	key := "bare:{" + phone + "}"
	was, err := rdb.Get(ctx, key).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fiber.ErrServiceUnavailable
	}
	version := uint64(1)
	if len(was) >= 8 {
		was = was[:8]
		version = binary.BigEndian.Uint64([]byte(was)) + 1
	}
	value := make([]byte, len(random))
	copy(value, random)
	binary.BigEndian.PutUint64(value, version)
	n, err := compareAndSet.Run(ctx, rdb, []string{key}, was, value, (11 * time.Minute).Milliseconds()).Int()
	if err != nil || n != 1 {
		return fiber.ErrServiceUnavailable
	}
	c.Set(fiber.HeaderContentType, "text/plain; charset=utf-8")
	return c.SendString(bareReply)
}
