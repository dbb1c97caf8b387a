package quictest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// Unread has 80 sockets of 140 on one connection that nobody reads, at the client and
// then at the server, and wants the others to have their echoes. serve serves h and
// returns what opens a socket, all of them on one connection.
func Unread(t *testing.T, serve func(t *testing.T, h websockets.HandlerFunc) (open func(path string) *websockets.Conn)) {
	t.Run("ByTheClient", func(t *testing.T) {
		open := serve(t, unread(nil))
		echoBeside(t, open, func() { open("/flood") })
	})
	t.Run("ByTheServer", func(t *testing.T) {
		stop := make(chan struct{})
		defer close(stop)
		open := serve(t, unread(stop))
		echoBeside(t, open, func() {
			c := open("/deaf")
			go flood(t.Context(), c)
		})
	})
}

// unread serves each path in its way.
func unread(stop <-chan struct{}) websockets.HandlerFunc {
	return func(ctx context.Context, c *websockets.Conn) error {
		switch c.Request().URL.Path {
		case "/flood":
			return flood(ctx, c)
		case "/deaf":
			select {
			case <-stop:
			case <-c.Done():
			}
			return nil
		}
		return echo(ctx, c)
	}
}

func echo(ctx context.Context, c *websockets.Conn) error {
	for {
		typ, p, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		if err := c.Send(ctx, typ, p); err != nil {
			return err
		}
	}
}

// flood sends until it cannot any more.
func flood(ctx context.Context, c *websockets.Conn) error {
	p := make([]byte, 16<<10)
	for {
		if err := c.Send(ctx, websockets.Binary, p); err != nil {
			return err
		}
	}
}

// echoBeside has sockets echo, without and with others that stick opens.
func echoBeside(t *testing.T, open func(path string) *websockets.Conn, stick func()) {
	const sockets, stuck, rounds, size = 60, 80, 10, 1 << 10
	var clients []*websockets.Conn
	for range sockets {
		clients = append(clients, open("/echo"))
	}
	run := func() time.Duration {
		start := time.Now()
		var all sync.WaitGroup
		for _, c := range clients {
			all.Go(func() {
				p := make([]byte, size)
				for range rounds {
					if err := c.Send(t.Context(), websockets.Binary, p); err != nil {
						t.Error(err)
						return
					}
					if _, _, err := c.Receive(t.Context()); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		Within(t, "echoes", all.Wait)
		return time.Since(start)
	}
	run()
	alone := run()
	for range stuck {
		stick()
	}
	time.Sleep(500 * time.Millisecond) // until they are stuck
	t.Logf("%d echoes: %v, beside sockets that are not read %v", sockets*rounds, alone, run())
}
