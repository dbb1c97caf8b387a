package websockets_test

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/flight"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

var compressions = map[string]websockets.Compression{
	"the default":  {},
	"no takeover":  {NoSendTakeover: true, NoReceiveTakeover: true},
	"32 KiB":       {SendWindowBits: 15, ReceiveWindowBits: 15, Level: 9},
	"small":        {SendWindowBits: 8, ReceiveWindowBits: 9, Threshold: -1},
	"one takeover": {NoSendTakeover: true},
}

// Compressed messages of every size arrive over everything, in both directions, and
// take less of the wire.
func TestCompressionOverAll(t *testing.T) {
	overAll(t, func(t *testing.T, w way) {
		for name, compression := range compressions {
			t.Run(name, func(t *testing.T) {
				url := w.start(t, echo, func(o *websockets.Options) { o.Compression = &compression })
				client := w.client()
				client.Compression = &compression
				c := dial(t, url, client)
				if got := c.Response().Header.Get("Sec-WebSocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate") {
					t.Fatalf("the extensions are %q", got)
				}
				if !c.Compressed() {
					t.Error("nothing is compressed")
				}
				var sent int64
				for i, size := range []int{0, 1, 63, 64, 1000, 4095, 65535, 1 << 20, 10, 5000} {
					p := bytes.Repeat([]byte(fmt.Sprintf(`{"n": %d, "text": "grüße"}`, i)), size/20+1)[:size]
					typ := websockets.Binary
					if i%2 == 0 {
						typ, p = websockets.Text, bytes.ToValidUTF8(p, nil)
					}
					if err := c.Send(t.Context(), typ, p); err != nil {
						t.Fatal(err)
					}
					got, q, err := c.Receive(t.Context())
					if err != nil || got != typ || !bytes.Equal(q, p) {
						t.Fatalf("%d bytes came back as %v, %d bytes, %v", len(p), got, len(q), err)
					}
					sent += int64(len(p))
				}
				if s := c.Stats(); s.BytesSent > sent/5 || s.BytesReceived > sent/5 {
					t.Errorf("%d bytes took %d bytes out and %d in", sent, s.BytesSent, s.BytesReceived)
				}
				if err := c.Close(websockets.NormalClosure, ""); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// Reader and Writer work on compressed messages as on all, in pieces of any size.
func TestCompressedStreaming(t *testing.T) {
	compression := &websockets.Compression{}
	url := ways[0].start(t, func(ctx context.Context, c *websockets.Conn) error {
		for {
			typ, r, err := c.Reader(ctx)
			if err != nil {
				return err
			}
			w, err := c.Writer(ctx, typ)
			if err != nil {
				return err
			}
			if _, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, 777)); err != nil {
				return err
			}
			if err := w.Close(); err != nil {
				return err
			}
		}
	}, func(o *websockets.Options) { o.Compression = compression })
	client := ways[0].client()
	client.Compression = compression
	c := dial(t, url, client)
	for _, size := range []int{0, 1, 500, 100_000, 1 << 20} {
		sent := bytes.Repeat([]byte("hello, "), size/7+1)[:size]
		w, err := c.Writer(t.Context(), websockets.Text)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for rest := sent; len(rest) > 0; {
				n := min(len(rest), 12_345)
				w.Write(rest[:n])
				rest = rest[n:]
			}
			w.Close()
		}()
		_, r, err := c.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for p := make([]byte, 1); ; {
			n, err := r.Read(p)
			got = append(got, p[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got) > 1000 {
				p = make([]byte, 5000)
			}
		}
		if !bytes.Equal(got, sent) {
			t.Fatalf("%d bytes came back as %d", len(sent), len(got))
		}
	}
	c.Close(websockets.NormalClosure, "")
}

// One message to many, of every size and with every policy, before and behind the
// connection's own messages, which may refer to it.
func TestPreparedWithCompression(t *testing.T) {
	all := map[string]*websockets.Compression{"none": nil}
	for name, c := range compressions {
		all[name] = &c
	}
	for name, compression := range all {
		for _, size := range []int{0, 10, 100, 1000, 100_000} {
			text := bytes.Repeat([]byte("prepared, "), size/10)
			m, err := websockets.NewPrepared(websockets.Text, text)
			if err != nil {
				t.Fatal(err)
			}
			url := ways[0].start(t, func(ctx context.Context, c *websockets.Conn) error {
				for range 3 {
					if err := errors.Join(c.SendPrepared(ctx, m), c.Send(ctx, websockets.Text, text)); err != nil {
						return err
					}
				}
				return nil
			}, func(o *websockets.Options) { o.Compression = &websockets.Compression{} })
			client := ways[0].client()
			client.Compression = compression
			c := dial(t, url, client)
			for range 6 {
				if _, p, err := c.Receive(t.Context()); err != nil || !bytes.Equal(p, text) {
					t.Errorf("%s: %d bytes, %v; want %d", name, len(p), err, size)
				}
			}
		}
	}
}

// sizes returns how many bytes each call of send puts on the wire of a connection that
// compresses as c says.
func sizes(t *testing.T, compression *websockets.Compression, send ...func(context.Context, *websockets.Conn) error) (n []int64) {
	t.Helper()
	url := ways[0].start(t, func(ctx context.Context, c *websockets.Conn) error {
		for _, f := range send {
			if _, _, err := c.Receive(ctx); err != nil {
				return err
			}
			if err := f(ctx, c); err != nil {
				return err
			}
		}
		_, _, err := c.Receive(ctx) // the close frame is not to be counted
		return err
	}, func(o *websockets.Options) { o.Compression = compression })
	client := ways[0].client()
	client.Compression = compression
	c := dial(t, url, client)
	for range send {
		before := c.Stats().BytesReceived
		if err := c.Send(t.Context(), websockets.Text, nil); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		n = append(n, c.Stats().BytesReceived-before)
	}
	return n
}

// noise does not become shorter by compression.
func noise(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(p)
	return p
}

// A prepared message enters the window, and is sent as it is if that is shorter.
func TestPreparedIsCompressedOnce(t *testing.T) {
	text := bytes.Repeat(fmt.Append(nil, noise(50)), 10)
	prepare := func(p []byte) func(context.Context, *websockets.Conn) error {
		m, err := websockets.NewPrepared(websockets.Binary, p)
		if err != nil {
			t.Fatal(err)
		}
		return func(ctx context.Context, c *websockets.Conn) error { return c.SendPrepared(ctx, m) }
	}
	plain := func(ctx context.Context, c *websockets.Conn) error { return c.Send(ctx, websockets.Binary, text) }
	prepared := prepare(text)
	got := sizes(t, &websockets.Compression{}, prepared, plain, prepared, prepare(noise(1000)))
	if got[0] >= int64(len(text))/2 || got[1] >= 40 || got[2] != got[0] || got[3] != 1004 {
		t.Errorf("with takeover: %d; want a part, a reference to it, the part again and 1004", got)
	}
	got = sizes(t, &websockets.Compression{NoSendTakeover: true, NoReceiveTakeover: true}, prepared, plain, prepared)
	if got[1] != got[0] || got[2] != got[0] {
		t.Errorf("without takeover: %d; want the same thrice", got)
	}
}

// What is compressed is the application's to choose, of each message.
func TestChosenMessages(t *testing.T) {
	var asked atomic.Int32
	compression := &websockets.Compression{Choose: func(typ websockets.MessageType, p []byte) bool {
		asked.Add(1)
		return typ == websockets.Text
	}}
	p := bytes.Repeat([]byte("x"), 1000)
	m, err := websockets.NewPrepared(websockets.Binary, p)
	if err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("x"), 100_000)
	got := sizes(t, compression,
		func(ctx context.Context, c *websockets.Conn) error { return c.Send(ctx, websockets.Text, p) },
		func(ctx context.Context, c *websockets.Conn) error { return c.Send(ctx, websockets.Binary, p) },
		func(ctx context.Context, c *websockets.Conn) error { return c.SendPrepared(ctx, m) },
		func(ctx context.Context, c *websockets.Conn) error { return c.Send(ctx, websockets.Text, p[:63]) },
		func(ctx context.Context, c *websockets.Conn) error {
			return c.SendUncompressed(ctx, websockets.Text, p)
		},
		func(ctx context.Context, c *websockets.Conn) error {
			return c.SendUncompressed(ctx, websockets.Text, large)
		},
		func(ctx context.Context, c *websockets.Conn) error {
			if err := c.SendUncompressed(ctx, websockets.Text, []byte("\xff")); !errors.Is(err, websockets.ErrMisuse) {
				return fmt.Errorf("no text was sent: %v", err)
			}
			return c.Send(ctx, websockets.Text, p)
		},
	)
	if got[0] >= 30 || got[1] != 1004 || got[2] != 1004 || got[3] != 65 || got[4] != 1004 || got[5] != 100_010 || got[6] >= 30 {
		t.Errorf("%d", got)
	}
	if n := asked.Load(); n != 4 {
		t.Errorf("asked %d times", n)
	}
}

// A peer that does not compress is talked to as it is, and limits are those of what
// comes out.
func TestCompressionAndItsLimits(t *testing.T) {
	compression := &websockets.Compression{}
	url := ways[0].start(t, echo, func(o *websockets.Options) {
		o.Compression = compression
		o.MaxMessageSize = 10_000
	})
	plain := dial(t, url, ways[0].client())
	if got := plain.Response().Header.Get("Sec-WebSocket-Extensions"); got != "" {
		t.Errorf("extensions %q that were not offered", got)
	}
	client := ways[0].client()
	client.Compression = compression
	for _, c := range []*websockets.Conn{plain, dial(t, url, client)} {
		c.Send(t.Context(), websockets.Text, make([]byte, 10_000))
		if _, p, err := c.Receive(t.Context()); err != nil || len(p) != 10_000 {
			t.Errorf("%d bytes, %v", len(p), err)
		}
		c.Send(t.Context(), websockets.Text, make([]byte, 10_001))
		if _, _, err := c.Receive(t.Context()); websockets.CloseStatus(err) != websockets.MessageTooBig {
			t.Errorf("%v; want 1009", err)
		}
	}
}

// bomb is a message of a mebibyte that would become a gibibyte.
func bomb() []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	zeros := make([]byte, 1<<20)
	w.Write(zeros)
	w.Flush()
	head := b.Len()
	w.Write(zeros)
	w.Flush()
	block := b.Bytes()[head:]
	p := bytes.Clone(b.Bytes()[:head])
	for len(p)+len(block) <= 1<<20 {
		p = append(p, block...)
	}
	return p
}

// serveCompressed starts a server over HTTP/1.1 without TLS that compresses.
func serveCompressed(t *testing.T, h func(context.Context, *websockets.Conn) error) (url string) {
	o := strict()
	o.Compression = &websockets.Compression{}
	return serve(t, websockets.Handle(h, o))
}

// A bomb is given up at the limit of what it becomes, for little memory and in little
// time, whether it is received at once or through a Reader.
func TestABombIsCheap(t *testing.T) {
	p := bomb()
	frame := append([]byte{0xc2, 0xff, 0, 0, 0, 0, 0, byte(len(p) >> 16), byte(len(p) >> 8), byte(len(p)), 0, 0, 0, 0}, p...)
	for name, receive := range map[string]func(context.Context, *websockets.Conn) error{
		"Receive": func(ctx context.Context, c *websockets.Conn) error {
			_, _, err := c.Receive(ctx)
			return err
		},
		"Reader": func(ctx context.Context, c *websockets.Conn) error {
			_, r, err := c.Reader(ctx)
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := serveCompressed(t, receive)
			for range 2 { // the first fills the pools
				r, resp := rawDial(t, url, validRequest+"Sec-WebSocket-Extensions: permessage-deflate\r\n")
				if resp.StatusCode != http.StatusSwitchingProtocols {
					t.Fatal(resp.Status)
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				began := time.Now()
				go r.Conn.Write(frame)
				r.want("a close frame", "\x88\x14\x03\xf1message is too big")
				took := time.Since(began)
				runtime.ReadMemStats(&after)
				allocated := after.TotalAlloc - before.TotalAlloc
				t.Logf("%d bytes, %v", allocated, took)
				if allocated > 4<<20 || took > time.Second {
					t.Errorf("it took %d bytes and %v", allocated, took)
				}
			}
		})
	}
}

// A message of a hundred thousand empty fragments is refused.
func TestEmptyFragmentsThatAreCompressed(t *testing.T) {
	r, _ := rawDial(t, serveCompressed(t, echo), validRequest+"Sec-WebSocket-Extensions: permessage-deflate\r\n")
	go r.Conn.Write(append([]byte("\x41\x80\x00\x00\x00\x00"), bytes.Repeat([]byte("\x00\x80\x00\x00\x00\x00"), 100_000)...))
	r.want("a close frame", "\x88\x20\x03\xf0message has too many fragments")
}

// A connection that compresses and fails leaves a recording that replays, on each side.
func TestCompressionIsRecorded(t *testing.T) {
	dir := t.TempDir()
	files := make(chan string, 2)
	recorder := &flight.Recorder{Dir: dir, Limit: flight.MinLimit, OnFile: func(path string, err error) {
		if err != nil {
			t.Error(err)
		}
		files <- path
	}}
	compression := &websockets.Compression{}
	url := ways[0].start(t, echo, func(o *websockets.Options) {
		o.Compression, o.Recorder, o.MaxMessageSize = compression, recorder, 50_000
	})
	client := ways[0].client()
	client.Compression, client.Recorder = compression, recorder
	c := dial(t, url, client)
	for _, size := range []int{100, 5000, 50_000, 50_001} {
		c.Send(t.Context(), websockets.Text, bytes.Repeat([]byte("hello, "), size/7+1)[:size])
		if _, _, err := c.Receive(t.Context()); (err != nil) != (size > 50_000) {
			t.Fatalf("%d bytes: %v", size, err)
		}
	}
	for range 2 {
		r, err := flight.Open(<-files)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Replay(nil); err != nil {
			t.Error(err)
		}
		if r.Birth.Settings.Config().Compression == nil || r.Calls < 10 || r.Stopped != "" {
			t.Errorf("%+v", r)
		}
	}
}

// The first connection of a server chooses what it compresses, as all others do.
func TestTheFirstConnectionChooses(t *testing.T) {
	o := strict()
	o.Compression = &websockets.Compression{Choose: func(websockets.MessageType, []byte) bool { return false }}
	server := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		return c.Send(ctx, websockets.Text, bytes.Repeat([]byte("x"), 1000))
	}, o)
	ours, theirs := pipe.New(0)
	go server.ServeStream(t.Context(), ours)
	client := strict()
	client.Compression = &websockets.Compression{}
	c, err := (&websockets.Dialer{Options: client}).DialStream(t.Context(), theirs, "ws://test/")
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if _, p, err := c.Receive(t.Context()); err != nil || len(p) != 1000 || c.Stats().BytesReceived < 1000 {
		t.Errorf("%d bytes, of %d on the wire, %v", len(p), c.Stats().BytesReceived, err)
	}
}

func TestCompressionOptions(t *testing.T) {
	for _, test := range []struct {
		o    websockets.Options
		want string
	}{
		{websockets.Options{Compression: &websockets.Compression{SendWindowBits: 16}}, "SendWindowBits"},
		{websockets.Options{Compression: &websockets.Compression{Level: -1}}, "Level"},
		{websockets.Options{Compression: &websockets.Compression{}, Recorder: &flight.Recorder{Dir: t.TempDir(), Redact: true}}, "Recorder"},
	} {
		if err := test.o.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v; want an error about %s", err, test.want)
		}
	}
	// What a user sets by hand is refused as ever.
	o := &websockets.Options{Header: http.Header{"Sec-WebSocket-Extensions": {"x"}}}
	if _, err := websockets.Dial(t.Context(), "ws://localhost", o); err == nil || errors.Is(err, websockets.ErrHandshake) {
		t.Errorf("%v", err)
	}
}
