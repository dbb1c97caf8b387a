package websockets_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

func seedRefusedIsNotUpgraded(t *testing.T) {
	var ran atomic.Bool
	o := strict()
	for status, head := range map[int]string{
		403: validRequest + "Origin: https://elsewhere.example\r\n",
		426: strings.Replace(validRequest, "Version: 13", "Version: 12", 1),
	} {
		p, resp := request(t, websockets.Handle(func(context.Context, *websockets.Conn) error { ran.Store(true); return nil }, o), head)
		if resp.StatusCode != status {
			t.Errorf("%d, want %d", resp.StatusCode, status)
		}
		io.Copy(io.Discard, resp.Body)
		p.send(masked(0x81, "hi") + masked(0x89, "") + masked(0x88, ""))
		if rest, err := io.ReadAll(p); err != nil || len(rest) > 0 {
			t.Errorf("after the refusal: %q, %v", rest, err)
		}
	}
	if ran.Load() {
		t.Error("the handler ran")
	}
}

func seedPongBetweenFragments(t *testing.T) {
	p := upgraded(t, websockets.Handle(echo, zero()))
	p.send(masked(0x01, "Hel") + masked(0x8a, "") + masked(0x80, "lo"))
	p.want("\x81\x05Hello")
}

func seedStrayContinuation(t *testing.T) {
	for b := range byte(0x40) {
		p := upgraded(t, websockets.Handle(echo, zero()))
		p.send(masked(0x81, "a"+string([]byte{0x80 + b})))
		p.wantClose(websockets.InvalidData)
	}
}

func seedUnmaskedClientFrames(t *testing.T) {
	p := upgraded(t, websockets.Handle(echo, zero()))
	p.send("\x81\x02hi")
	p.wantClose(websockets.ProtocolError)
}

func seedIdleCheck(t *testing.T) {
	received := make(chan string, 1)
	busy := websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		time.Sleep(10 * time.Minute)
		_, data, err := c.Receive(ctx)
		received <- string(data)
		return err
	}, zero())
	dead := upgraded(t, busy)
	dead.wantClose(websockets.GoingAway)
	if d := time.Since(dead.opened); d < 58*time.Second || d > 59*time.Second {
		t.Errorf("a dead peer was found after %v", d)
	}
	dead.finish()
	if data := <-received; data != "" {
		t.Errorf("the dead peer said %q", data)
	}

	busy = websockets.Handle(busy.Handler, zero())
	live := upgraded(t, busy)
	for range 10 * 4 {
		live.want("\x89\x00")
		live.send(masked(0x8a, ""))
	}
	live.send(masked(0x81, "alive"))
	if data := <-received; data != "alive" {
		t.Errorf("of a live peer: %q", data)
	}

	o := zero()
	o.DropIncomingPings, o.PingInterval = websockets.Off, -1
	asking := upgraded(t, websockets.Handle(busy.Handler, o))
	asking.send(masked(0x89, "there?"))
	asking.want("\x8a\x06there?")
	if d := time.Since(asking.opened); d > time.Second {
		t.Errorf("a ping was answered after %v", d)
	}
	asking.finish()
}

func seedFirstToClose(t *testing.T) {
	closed := make(chan error, 1)
	p := upgraded(t, websockets.Handle(func(_ context.Context, c *websockets.Conn) error {
		closed <- c.Close(websockets.NormalClosure, "")
		return nil
	}, zero()))
	p.wantClose(websockets.NormalClosure)
	p.send(masked(0x88, "\x03\xe8"))
	p.stream.CloseWrite()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	p.wantAfter(0)
}

func seedCloseBetweenFrames(t *testing.T) {
	p := upgraded(t, websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		var senders sync.WaitGroup
		many := make(chan bool, 99)
		for _, size := range []int{10, 3000, 70_000, 500_000} {
			senders.Go(func() {
				for range 20 {
					c.Send(ctx, websockets.Binary, make([]byte, size))
					many <- true
				}
			})
		}
		for range 10 {
			<-many
		}
		err := c.Close(websockets.NormalClosure, "")
		senders.Wait()
		return err
	}, zero()))
	for {
		h, payload := p.next()
		if h.Opcode == frame.Close {
			break
		}
		if strings.Trim(payload, "\x00") != "" {
			t.Fatal("another frame inside a message")
		}
	}
	if rest, err := io.ReadAll(io.LimitReader(p, 1)); len(rest) > 0 || err != nil {
		t.Errorf("%q behind the close, %v", rest, err)
	}
}

func seedSuddenEnd(t *testing.T) {
	for _, before := range []string{"", masked(0x82, "whole"), masked(0x82, "cut")[:7]} {
		for name, end := range map[string]func(*pipe.Stream) error{"end": (*pipe.Stream).CloseWrite, "reset": (*pipe.Stream).Abort} {
			o, reported := reporting(true)
			p := upgraded(t, websockets.Handle(echo, o))
			p.send(before)
			synctest.Wait()
			end(p.stream)
			err := <-reported
			e, ok := errors.AsType[*websockets.Error](err)
			if !ok || e.Kind != websockets.ErrLost || e.Code != websockets.Abnormal || errors.Is(err, websockets.ErrUnexpected) {
				t.Errorf("%s after %q: %#v", name, before, err)
			}
		}
	}
}

func seedEarlyChecks(t *testing.T) {
	rest := strings.Repeat("x", 1000)
	for wire, code := range map[string]websockets.CloseCode{
		masked(0x81, "\xc0"+rest)[:9]:              websockets.InvalidData,
		masked(0x01, "\xed\xa0"+rest)[:10]:         websockets.InvalidData,
		"\x82\xfe\x00\x05":                         websockets.ProtocolError,
		"\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff": websockets.ProtocolError,
		"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00": websockets.ProtocolError,
	} {
		p := upgraded(t, websockets.Handle(echo, zero()))
		p.send(wire)
		p.wantClose(code)
		p.wantAfter(0)
	}
}

func seedBounds(t *testing.T) {
	var running atomic.Int64
	o := zero()
	o.Workers = 3
	gate := make(chan bool)
	ours, theirs := pipe.New(64 << 10)
	server := websockets.HandleConcurrent(func(context.Context, *websockets.Conn, websockets.Message) error {
		running.Add(1)
		<-gate
		return nil
	}, o)
	go server.ServeStream(context.Background(), ours)
	c, err := (&websockets.Dialer{Options: zero()}).DialStream(t.Context(), theirs, "ws://test/")
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for ; taken < 4<<20; taken += 4 << 10 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := c.Send(ctx, websockets.Binary, make([]byte, 4<<10))
		cancel()
		if err != nil {
			break
		}
	}
	if taken > 1<<20 || running.Load() != 3 {
		t.Errorf("%d bytes are taken in and %d workers busy", taken, running.Load())
	}
	close(gate)
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Error(err)
	}
	for range 3 {
		if _, _, err := c.Receive(t.Context()); !errors.Is(err, websockets.ErrClosed) {
			t.Errorf("Receive: %v", err)
		}
	}
	if err := c.Send(t.Context(), websockets.Text, nil); !errors.Is(err, websockets.ErrClosed) {
		t.Errorf("Send: %v", err)
	}
	<-c.Done()
}

// Texts of 16 MiB, made of 16 bytes.
var largeTexts = map[string]string{"ASCII": "sixteen letters.", "not ASCII": "κόσμε, text"}

// pairForLargeTexts returns the ends of a connection that takes 16 MiB.
func pairForLargeTexts(t testing.TB) (server, client *websockets.Conn) {
	o := zero()
	o.MaxFrameSize, o.MaxMessageSize = 16<<20, 16<<20
	return piped(t, o)
}

func seedLargeText(t *testing.T) {
	server, client := pairForLargeTexts(t)
	var text []byte // half of it each
	for _, sixteen := range largeTexts {
		text = append(text, strings.Repeat(sixteen, 8<<20/16)...)
	}
	go client.Send(t.Context(), websockets.Text, text)
	typ, p, err := server.Receive(t.Context())
	if typ != websockets.Text || !bytes.Equal(p, text) || err != nil {
		t.Errorf("received %v of %d bytes, %v", typ, len(p), err)
	}
}

func BenchmarkSeedLargeText(b *testing.B) {
	for name, sixteen := range largeTexts {
		b.Run(name, func(b *testing.B) {
			server, client := pairForLargeTexts(b)
			text, into := bytes.Repeat([]byte(sixteen), 1<<20), make([]byte, 0, 16<<20)
			b.SetBytes(16 << 20)
			for b.Loop() {
				go client.Send(b.Context(), websockets.Text, text)
				if _, _, err := server.ReceiveInto(b.Context(), into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
