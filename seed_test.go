package websockets_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/pipe"
)

// What the classic websockets library has, by its names, and what each is here:
// docs/seed.md maps the two. Every test runs in a bubble of its own, over a
// pipe, and with the zero Options where it says no other.
var seedTests = []struct {
	name string
	test func(t *testing.T)
}{
	{"parameters/ping-interval", seedPingInterval},
	{"parameters/close-timeout", seedCloseTimeout},
	{"parameters/connection-timeout", seedConnectionTimeout},
	{"parameters/accept-connection", seedAcceptConnection},
	{"parameters/access-denied", seedAccessDenied},
	{"parameters/drop-incoming-pings", seedDropIncomingPings},
	{"parameters/propagate-common-errors", seedPropagateCommonErrors},
	{"parameters/max-frame-size", seedMaxFrameSize},
	{"parameters/max-message-size", seedMaxMessageSize},

	{"procedures/with-websocket", seedWithWebsocket},
	{"procedures/with-concurrent-websocket", seedWithConcurrentWebsocket},
	{"procedures/receive-message", seedReceiveMessage},
	{"procedures/send-message", seedSendMessage},
	{"procedures/close-websocket", seedCloseWebsocket},

	{"low-level/upgrade", seedUpgrade},
	{"low-level/send-frame", seedSendFrame},
	{"low-level/read-frame", seedReadFrame},
	{"low-level/read-frame-payload", seedReadFramePayload},
	{"low-level/receive-fragments", seedReceiveFragments},
	{"low-level/process-fragments", seedProcessFragments},
	{"low-level/unmask", seedUnmask},
	{"low-level/valid-utf8", seedValidUTF8},
	{"low-level/control-frame", seedControlFrame},
	{"low-level/fragment", seedFragment},
	{"low-level/states", seedStates},

	{"conditions/websocket", seedWebsocketError},
	{"conditions/protocol-error", seedProtocolError},
	{"conditions/reserved-bits-not-supported", seedReservedBits},
	{"conditions/invalid-data", seedInvalidData},
	{"conditions/message-too-large", seedMessageTooLarge},
	{"conditions/connection-timeout", seedConnectionTimeoutError},
	{"conditions/invalid-optype", seedInvalidOptype},
	{"conditions/unexpected-error", seedUnexpectedError},
	{"conditions/missing-upgrade-header", seedMissingUpgradeHeader},
	{"conditions/close-timeout", seedCloseTimeoutError},

	{"defects/01-refused-origin-was-upgraded", seedRefusedIsNotUpgraded},
	{"defects/02-pong-between-fragments", seedPongBetweenFragments},
	{"defects/03-stray-continuation-byte", seedStrayContinuation},
	{"defects/04-unmasked-client-frames", seedUnmaskedClientFrames},
	{"defects/05-late-idle-check", seedIdleCheck},
	{"defects/06-first-to-close-waits", seedFirstToClose},
	{"defects/07-close-inside-a-frame", seedCloseBetweenFrames},
	{"defects/08-sudden-end-is-internal-error", seedSuddenEnd},
	{"defects/09-late-or-missing-checks", seedEarlyChecks},
	{"defects/10-no-bounds", seedBounds},

	{"claims/16-mib-text", seedLargeText},
}

func TestSeed(t *testing.T) {
	for _, seed := range seedTests {
		t.Run(seed.name, func(t *testing.T) { synctest.Test(t, seed.test) })
	}
}

// Every test of TestSeed is named in docs/seed.md, and no other.
func TestSeedIsMapped(t *testing.T) {
	page, err := os.ReadFile("docs/seed.md")
	if err != nil {
		t.Fatal(err)
	}
	mapped := make(map[string]bool)
	for _, name := range regexp.MustCompile("`TestSeed/[^`]+`").FindAllString(string(page), -1) {
		mapped[strings.Trim(name, "`")[len("TestSeed/"):]] = true
	}
	for _, seed := range seedTests {
		if !mapped[seed.name] {
			t.Errorf("docs/seed.md does not name TestSeed/%s", seed.name)
		}
		delete(mapped, seed.name)
	}
	for name := range mapped {
		t.Errorf("docs/seed.md names TestSeed/%s, which does not exist", name)
	}
}

// zero returns the zero Options, but that they log nowhere.
func zero() *websockets.Options {
	return &websockets.Options{Logger: slog.New(slog.DiscardHandler)}
}

// reporting returns zero Options whose errors go into the channel: the common
// ones too if all is set.
func reporting(all bool) (*websockets.Options, chan error) {
	o, reported := zero(), make(chan error, 9)
	o.PropagateCommonErrors = all
	o.OnError = func(_ *http.Request, err error) { reported <- err }
	return o, reported
}

// masked returns a client's frame, its first byte given.
func masked(first byte, payload string) string {
	p := []byte(payload)
	rfcHeader.Mask.XOR(p, 0)
	return header(first, len(p)) + string(p)
}

// header is masked without the payload, of which it tells the length.
func header(first byte, length int) string {
	h := frame.AppendHeader(nil, frame.Header{Opcode: frame.Opcode(first & 0xf), Masked: true, Mask: rfcHeader.Mask, Length: int64(length)})
	h[0] = first
	return string(h)
}

// A peer is a client that puts on the wire what it likes.
type peer struct {
	*bufio.Reader
	t      *testing.T
	stream *pipe.Stream
	server *websockets.Server
	opened time.Time
}

// A loan is memory for Stream.AwaitRead.
type loan []byte

func (l loan) Borrow() []byte { return l }
func (l loan) Return()        {}

type awaiting struct{ *pipe.Stream }

func (a awaiting) Read(p []byte) (int, error) { return a.AwaitRead(loan(p)) }

// request sends the head of a request, which it ends.
func request(t *testing.T, server *websockets.Server, head string) (*peer, *http.Response) {
	t.Helper()
	ours, theirs := pipe.New(2 << 20) // takes all that these tests send
	t.Cleanup(func() { theirs.Abort() })
	go server.ServeStream(context.Background(), ours)
	p := &peer{bufio.NewReader(awaiting{theirs}), t, theirs, server, time.Now()}
	p.send(head + "\r\n")
	resp, err := http.ReadResponse(p.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, resp
}

// upgraded returns the client of a connection that is open.
func upgraded(t *testing.T, server *websockets.Server) *peer {
	t.Helper()
	p, resp := request(t, server, validRequest)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp.Status)
	}
	return p
}

func (p *peer) send(wire string) {
	p.t.Helper()
	if n, err := p.stream.TryWrite([]byte(wire)); n < len(wire) {
		p.t.Fatal("sent", n, err)
	}
}

// want reads exactly the bytes of wire.
func (p *peer) want(wire string) {
	p.t.Helper()
	got := make([]byte, len(wire))
	if n, err := io.ReadFull(p, got); string(got) != wire {
		p.t.Fatalf("read %q, %v; want %q", got[:n], err, wire)
	}
}

// next reads a frame.
func (p *peer) next() (frame.Header, string) {
	p.t.Helper()
	for want := 2; ; want++ {
		head, err := p.Peek(want)
		if err != nil {
			p.t.Fatal("no frame comes:", err)
		}
		h, n, err := frame.ParseHeader(head)
		if err == nil {
			err = h.Check(false, false)
		}
		if n == 0 && err == nil {
			continue
		}
		payload := make([]byte, h.Length)
		p.Discard(n)
		if _, cut := io.ReadFull(p, payload); err != nil || cut != nil {
			p.t.Fatal("not a frame:", h, err, cut)
		}
		return h, string(payload)
	}
}

// wantClose reads a close frame, behind any pings.
func (p *peer) wantClose(code websockets.CloseCode) {
	p.t.Helper()
	h, payload := p.next()
	for h.Opcode == frame.Ping {
		h, payload = p.next()
	}
	if got, _, err := frame.ParseClose([]byte(payload)); h.Opcode != frame.Close || got != code {
		p.t.Errorf("a %v frame with %.200q, %v; want to be closed with %v", h.Opcode, payload, err, code)
	}
}

// wantNothing has a second pass in which nothing comes.
func (p *peer) wantNothing() {
	p.t.Helper()
	time.Sleep(time.Second)
	if p.stream.Readable() || p.Buffered() > 0 {
		all, _ := io.ReadAll(io.LimitReader(p, 100))
		p.t.Errorf("read %q, want nothing", all)
	}
}

// wantAfter checks how long after the opening it is, on the nanosecond.
func (p *peer) wantAfter(d time.Duration) {
	p.t.Helper()
	if got := time.Since(p.opened); got != d {
		p.t.Errorf("it happened after %v, want %v", got, d)
	}
}

// finish ends the connection and waits for the server's side of it.
func (p *peer) finish() {
	p.t.Helper()
	p.stream.Abort()
	if err := p.server.Shutdown(context.Background()); err != nil {
		p.t.Error(err)
	}
}
