package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"lafia/gateway/message"
)

// RedisServer is an address of Redis in its parts.
type RedisServer struct {
	Network  string // "tcp" or "unix"
	Addr     string // host:port, or the path of a socket
	TLS      bool   // rediss://
	Username string
	Password message.Secret
	DB       int
}

// Server gives the parts of the URL, which Read has checked. The zero value
// means that there is none.
func (r Redis) Server() RedisServer {
	s, _ := readRedisURL(r.URL.Reveal())
	return s
}

// readRedisURL reads redis://user:password@host:port/db, rediss:// alike, and
// unix://user:password@/path?db=0.
func readRedisURL(s string) (RedisServer, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || u.Fragment != "" {
		return RedisServer{}, false
	}
	r := RedisServer{Username: u.User.Username()}
	password, _ := u.User.Password()
	r.Password = message.NewSecret(password)
	db := ""
	switch u.Scheme {
	case "redis", "rediss":
		if u.Hostname() == "" || u.RawQuery != "" {
			return RedisServer{}, false
		}
		port := u.Port()
		if port == "" {
			port = "6379"
		}
		r.Network, r.Addr, r.TLS = "tcp", net.JoinHostPort(u.Hostname(), port), u.Scheme == "rediss"
		db = strings.TrimPrefix(u.Path, "/")
	case "unix":
		if u.Host != "" || u.Path == "" || u.Path == "/" {
			return RedisServer{}, false
		}
		r.Network, r.Addr = "unix", u.Path
		q, err := url.ParseQuery(u.RawQuery)
		if err != nil || len(q) > 1 || len(q) == 1 && !q.Has("db") {
			return RedisServer{}, false
		}
		db = q.Get("db")
	default:
		return RedisServer{}, false
	}
	if db != "" {
		n, err := strconv.ParseUint(db, 10, 16)
		if err != nil {
			return RedisServer{}, false
		}
		r.DB = int(n)
	}
	return r, true
}
