package http2_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	h2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fb1e3c20/websockets/transport/http2"
)

// A peer is a server made of frames. Its methods are for the test's goroutine.
type peer struct {
	*h2.Framer
	t     testing.TB
	conn  net.Conn
	block bytes.Buffer
	hpack *hpack.Encoder
}

var extendedConnect = h2.Setting{ID: h2.SettingEnableConnectProtocol, Val: 1}

// connected returns both ends of a connection, nothing on it yet.
func connected(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func newPeer(t testing.TB, conn net.Conn) *peer {
	p := &peer{t: t, conn: conn, Framer: h2.NewFramer(conn, conn)}
	p.prepare()
	return p
}

func (p *peer) prepare() {
	p.hpack = hpack.NewEncoder(&p.block)
	p.AllowIllegalWrites = true
}

// meet returns a client, with a place held, and the peer that has greeted it with
// SETTINGS_ENABLE_CONNECT_PROTOCOL and these settings, and that has read everything
// the client sent up to then.
func meet(t testing.TB, settings ...h2.Setting) (*http2.Conn, *peer) {
	t.Helper()
	client, server := connected(t)
	server.SetDeadline(time.Now().Add(patience))
	return meetOn(t, client, server, settings...)
}

// meetUnbuffered is meet over a net.Pipe, in which nothing is buffered, also in a
// bubble of testing/synctest.
func meetUnbuffered(t testing.TB) (*http2.Conn, *peer) {
	t.Helper()
	client, server := net.Pipe()
	return meetOn(t, client, server)
}

func meetOn(t testing.TB, client, server net.Conn, settings ...h2.Setting) (*http2.Conn, *peer) {
	t.Helper()
	p := newPeer(t, server)
	c, err := p.greet(client, append(settings, extendedConnect)...)
	p.check(err)
	t.Cleanup(func() {
		server.Close()
		await(t, "the end of the connection", c.Done())
	})
	p.expect(h2.FrameSettings)
	p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	reserve(t, c)
	return c, p
}

// greet returns what NewConn does.
func (p *peer) greet(client net.Conn, settings ...h2.Setting) (c *http2.Conn, err error) {
	p.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err = http2.NewConn(p.t.Context(), client)
	}()
	p.readPreface()
	p.expect(h2.FrameSettings)
	p.expect(h2.FrameWindowUpdate)
	p.check(p.WriteSettings(settings...))
	await(p.t, "NewConn", done)
	return c, err
}

func (p *peer) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) readPreface() {
	p.t.Helper()
	got := make([]byte, len(h2.ClientPreface))
	if _, err := io.ReadFull(p.conn, got); err != nil || string(got) != h2.ClientPreface {
		p.t.Fatalf("the preface: %q, %v", got, err)
	}
}

// expect reads the next frame, which must be of that type.
func (p *peer) expect(want h2.FrameType) h2.Frame {
	p.t.Helper()
	f, err := p.ReadFrame()
	if err != nil || f.Header().Type != want {
		p.t.Fatalf("the client sent %v, %v; want %v", f, err, want)
	}
	return f
}

func (p *peer) expectReset(id uint32, code h2.ErrCode) {
	p.t.Helper()
	if f := p.expect(h2.FrameRSTStream).(*h2.RSTStreamFrame); f.StreamID != id || f.ErrCode != code {
		p.t.Fatalf("the client sent %v, %v; want %v on stream %d", f, f.ErrCode, code, id)
	}
}

// expectGoodbye reads GOAWAY with that code and then the end of the connection.
func (p *peer) expectGoodbye(code h2.ErrCode) {
	p.t.Helper()
	if f := p.expect(h2.FrameGoAway).(*h2.GoAwayFrame); f.ErrCode != code || f.LastStreamID != 0 {
		p.t.Fatalf("the client sent %v, %v; want %v", f, f.ErrCode, code)
	}
	if f, err := p.ReadFrame(); err != io.EOF {
		p.t.Fatalf("after GOAWAY: %v, %v; want the end", f, err)
	}
	p.conn.Close()
}

// ping is answered when everything before it has been acted upon. It returns the
// other frames that came.
func (p *peer) ping() (others []string) {
	p.t.Helper()
	p.check(p.WritePing(false, [8]byte{7}))
	for {
		f, err := p.ReadFrame()
		if err != nil {
			p.t.Fatalf("in place of a PING: %v", err)
		}
		if ping, ok := f.(*h2.PingFrame); ok && ping.IsAck() && ping.Data == [8]byte{7} {
			return others
		}
		others = append(others, f.Header().Type.String())
	}
}

// fields encodes a header: names and values in turn.
func (p *peer) fields(list ...string) []byte {
	p.block.Reset()
	for pair := range slices.Chunk(list, 2) {
		p.hpack.WriteField(hpack.HeaderField{Name: pair[0], Value: pair[1]})
	}
	return p.block.Bytes()
}

// header sends HEADERS.
func (p *peer) header(id uint32, end bool, list ...string) {
	p.t.Helper()
	p.check(p.WriteHeaders(h2.HeadersFrameParam{StreamID: id, BlockFragment: p.fields(list...), EndHeaders: true, EndStream: end}))
}

// An opened is what OpenStream returned.
type opened struct {
	stream   *http2.Stream
	response *http.Response
	err      error
}

// begin calls OpenStream in a goroutine and reads the request.
func begin(t testing.TB, ctx context.Context, c *http2.Conn, p *peer, path string) (id uint32, result <-chan opened) {
	t.Helper()
	done := make(chan opened, 1)
	go func() {
		s, response, err := c.OpenStream(ctx, request(path))
		done <- opened{s, response, err}
	}()
	return p.expect(h2.FrameHeaders).Header().StreamID, done
}

func finished(t testing.TB, result <-chan opened) opened {
	t.Helper()
	select {
	case o := <-result:
		return o
	case <-time.After(patience):
		t.Fatalf("OpenStream: still waiting after %v", patience)
		return opened{}
	}
}

// accept opens a stream.
func accept(t testing.TB, c *http2.Conn, p *peer) *http2.Stream {
	t.Helper()
	id, result := begin(t, t.Context(), c, p, "/")
	p.header(id, false, ":status", "200")
	o := finished(t, result)
	if o.err != nil || o.stream == nil {
		t.Fatalf("OpenStream = %+v", o)
	}
	return o.stream
}

func matches(t testing.TB, what string, err, want error, text string) {
	t.Helper()
	if !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v; want %v, and %q in it", what, err, want, text)
	}
}

func asError[E error](err error, target *E) bool { return errors.As(err, target) }
