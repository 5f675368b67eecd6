package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// patience is how long a reply may take before it counts as none: what Africa's
// Talking waits (performance.md 6).
const patience = 15 * time.Second

// client posts on one connection that is kept open. It is written by hand so
// that the generator takes as little as possible of the cores that it shares
// with what it measures.
type client struct {
	addr  string
	head  []byte // the request line and the headers, up to the length
	conn  net.Conn
	read  *bufio.Reader
	out   []byte
	reply []byte
}

func newClient(addr, path string) *client {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: lafia-bench\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ", path, addr)
	return &client{addr: addr, head: []byte(head)}
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// post sends a body and gives the reply's, which is valid until the next call.
func (c *client) post(body []byte) (status int, reply []byte, err error) {
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.conn == nil {
		if c.conn, err = net.DialTimeout("tcp", c.addr, patience); err != nil {
			return 0, nil, err
		}
		if c.read == nil {
			c.read = bufio.NewReaderSize(c.conn, 4096)
		} else {
			c.read.Reset(c.conn)
		}
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	c.out = append(c.out[:0], c.head...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, body...)
	if _, err := c.conn.Write(c.out); err != nil {
		return 0, nil, err
	}
	return c.answer()
}

var errReply = errors.New("the reply is no HTTP that this client reads")

func (c *client) answer() (status int, reply []byte, err error) {
	line, err := c.read.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, nil, errReply
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, errReply
	}
	length := -1
	for {
		if line, err = c.read.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		const name = "content-length: "
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(line[len(name):])); err != nil {
				return 0, nil, errReply
			}
		}
	}
	if length < 0 || length > 64<<10 {
		return 0, nil, errReply
	}
	if cap(c.reply) < length {
		c.reply = make([]byte, length)
	}
	c.reply = c.reply[:length]
	_, err = io.ReadFull(c.read, c.reply)
	return status, c.reply, err
}
