package transport_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/core"
)

// The body of a refusal may come after its head, in pieces; it is waited for,
// but neither for long nor for much, nor longer than the caller has.
func TestRefusalComesInPieces(t *testing.T) {
	const head = "HTTP/1.1 401 Unauthorized\r\n"
	for _, test := range []struct {
		name   string
		pieces []string
		body   string
		takes  time.Duration
	}{
		{"Length", []string{head + "Content-Length: 9\r\n\r\n", "log ", "in 1st", "not of it"}, "log in 1st", 200 * time.Millisecond},
		{"Together", []string{head + "Content-Length: 2\r\n\r\nno"}, "no", 0},
		{"Chunks", []string{head + "Transfer-Encoding: chunked\r\n\r\n", "2\r\nno\r\n", "0\r\n\r\n"}, "2\r\nno\r\n0\r\n\r\n", 200 * time.Millisecond},
		{"ToTheEnd", []string{head + "\r\n", "no", ""}, "no", 200 * time.Millisecond},
		{"Late", []string{head + "Content-Length: 100\r\n\r\n", "no"}, "no", time.Second},
		{"Large", []string{head + "\r\n", strings.Repeat("no", 4000)}, strings.Repeat("no", 2048), 100 * time.Millisecond},
		{"None", []string{head + "Content-Length: 0\r\n\r\n"}, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				cli, p := client(t, core.Config{}, core.RequestOptions{})
				go func() {
					for i, piece := range test.pieces {
						if i > 0 {
							time.Sleep(100 * time.Millisecond)
						}
						if piece == "" {
							p.s.CloseWrite()
							return
						}
						if p.write([]byte(piece)) != nil {
							return // it was enough
						}
					}
				}()
				begin := time.Now()
				o, err := cli.AwaitOpen(t.Context())
				if err != core.ErrStatus || string(o.Body) != test.body {
					t.Errorf("%q, %v", o.Body, err)
				}
				if d := time.Since(begin); d != test.takes {
					t.Error("it took", d)
				}
				if _, err := cli.Stream().TryWrite([]byte{0}); err == nil {
					t.Error("not released")
				}
				time.Sleep(time.Second) // the goroutine ends
			})
		})
	}
}

func TestRefusalWaitsNoLongerThanItsCaller(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cli, p := client(t, core.Config{}, core.RequestOptions{})
		p.write([]byte("HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\n"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if d := took(func() {
			if o, err := cli.AwaitOpen(ctx); err != core.ErrStatus || o.Response.Status != 401 {
				t.Error(o, err)
			}
		}); d != time.Millisecond {
			t.Error("it took", d)
		}
	})
}
