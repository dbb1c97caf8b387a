package http2_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"

	h2 "golang.org/x/net/http2"

	"github.com/fb1e3c20/websockets/transport/http2"
)

// FuzzServer lets a server say anything, in pieces of any size, to a client that
// asks for two WebSockets. Whatever it says, the client comes to an end.
func FuzzServer(f *testing.F) {
	for _, script := range []func(p *peer){
		func(p *peer) {
			p.header(1, false, ":status", "200")
			p.WriteData(1, false, []byte("hello"))
			p.WriteDataPadded(1, true, []byte("hello"), make([]byte, 3))
			p.WriteRSTStream(1, h2.ErrCodeNo)
		},
		func(p *peer) {
			p.header(3, false, ":status", "100")
			p.header(3, false, ":status", "403", "a", "b")
			p.WriteData(3, true, []byte("no"))
			p.WriteGoAway(1, h2.ErrCodeNo, []byte("bye"))
		},
		func(p *peer) {
			p.WriteHeaders(h2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}})
			p.WriteContinuation(1, true, nil)
			p.WriteSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Val: 1}, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Val: 1})
			p.WriteWindowUpdate(1, 5)
			p.WriteWindowUpdate(0, 5)
			p.WritePing(false, [8]byte{1})
			p.header(1, true, "trailer", "x")
		},
		func(p *peer) {
			p.WriteRSTStream(1, h2.ErrCodeRefusedStream)
			p.header(3, true, ":status", "302", "location", "/")
			p.WritePushPromise(h2.PushPromiseParam{StreamID: 3, PromiseID: 2, EndHeaders: true})
		},
	} {
		var said bytes.Buffer
		p := &peer{Framer: h2.NewFramer(&said, nil), t: f}
		p.prepare()
		p.WriteSettings(extendedConnect)
		script(p)
		f.Add(said.Bytes(), byte(0))
		f.Add(said.Bytes(), byte(3))
	}
	f.Fuzz(func(t *testing.T, said []byte, piece byte) {
		client, server := net.Pipe()
		go io.Copy(io.Discard, server)
		go speak(server, said, int(piece))
		c, err := http2.NewConn(t.Context(), client)
		if err != nil {
			return
		}
		done := make(chan struct{}, 2)
		for range 2 {
			if !c.Reserve() {
				done <- struct{}{}
				continue
			}
			go func() {
				use(t, c)
				done <- struct{}{}
			}()
		}
		<-done
		<-done
		c.Abort()
		await(t, "the end", c.Done())
	})
}

// speak writes what a server says, in pieces of that size, and hangs up.
func speak(conn net.Conn, said []byte, piece int) {
	defer conn.Close()
	for len(said) > 0 {
		n := len(said)
		if piece > 0 {
			n = min(n, piece)
		}
		if _, err := conn.Write(said[:n]); err != nil {
			return
		}
		said = said[n:]
	}
}

// use opens a stream and does everything with it, to its end.
func use(t *testing.T, c *http2.Conn) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, response, err := c.OpenStream(ctx, request("/"))
	if (s == nil && response == nil) == (err == nil) {
		t.Errorf("OpenStream = %v, %v, %v", s, response, err)
	}
	if s == nil {
		return
	}
	s.TryWrite(make([]byte, 100_000))
	if got, _ := readAll(s); len(got) > 1<<20 {
		t.Errorf("read %d bytes", len(got))
	}
	s.Close()
}
