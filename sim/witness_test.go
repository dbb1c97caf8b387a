package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/deflate"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A witnessScript decides everything in a run: the role, the configuration,
// the calls, their order and their arguments. Read to its end it gives zeros.
type witnessScript struct {
	rest []byte
}

// below returns a number in [0,n).
func (s *witnessScript) below(n int) int {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return int(b) % n
}

func (s *witnessScript) oneIn(n int) bool { return s.below(n) == n-1 }

func pick[T any](s *witnessScript, list ...T) T { return list[s.below(len(list))] }

// A witnessRun drives a core under a witness by a script: a caller that makes
// any calls at any time, and a peer that says mostly what it may.
type witnessRun struct {
	s    *witnessScript
	w    *witness
	role core.Role
	log  *strings.Builder // nil: none
	now  clock.Time

	calm   bool // time passes slowly
	lawful bool // the peer breaks no rule, and no limit is tight
	prompt bool // output is taken and written at once
	chatty bool // the peer sends control frames, mostly
	ahead  bool // the caller reads ahead from the beginning

	entropy uint32
	in      []byte // from the peer, not consumed yet
	buf     []byte // the memory that input is lent in
	scratch []byte
	out     []byte
	peer    struct {
		opened, inMessage, isText bool

		deflates bool // the message that it sends
		window   deflate.Window
	}
	oracle string
	err    error
}

func (r *witnessRun) config() core.Config {
	s := r.s
	head := len(witnessedGET) + 2
	if r.role == core.Client {
		head = len(witnessedAnswer("dGhlIHNhbXBsZSBub25jZQ=="))
	}
	cfg := core.Config{
		Pings:             core.PingPolicy(s.below(3)),
		PingInterval:      pick[time.Duration](s, 0, -1, time.Second, 4*time.Second),
		PongTimeout:       pick[time.Duration](s, 0, 500*time.Millisecond, 3*time.Second),
		CloseTimeout:      pick[time.Duration](s, 0, -1, time.Second),
		ConnectionTimeout: pick[time.Duration](s, 0, -1, 6*time.Second, 1500*time.Millisecond),
		HandshakeTimeout:  pick[time.Duration](s, 0, -1, time.Second),
		MaxMessageSize:    pick[int64](s, 40, 0, 130, -1),
		MaxFrameSize:      pick[int64](s, 0, 20, 40, 1000, -1),
		MaxFragments:      pick(s, 3, 0, -1, 1, 10),
		MaxControlRate:    pick(s, 0, 4, 7, -1, 1),
		MaxHeadBytes:      pick(s, 0, head, head-1, 400),
		MaxHeadLines:      pick(s, 0, 7, 4),
		Entropy: func() uint32 {
			r.entropy = r.entropy*1664525 + 1013904223
			return r.entropy
		},
	}
	if s.below(3) == 2 {
		cfg.Compression = r.compression()
	}
	if r.lawful {
		cfg.MaxMessageSize, cfg.MaxFrameSize, cfg.MaxFragments, cfg.MaxHeadBytes, cfg.MaxHeadLines = 0, 0, 0, 0, 0
	}
	if cfg.ConnectionTimeout > 0 && cfg.ConnectionTimeout <= cfg.PingInterval || cfg.PingInterval == 0 && cfg.ConnectionTimeout > 0 {
		cfg.PingInterval = -1
	}
	return cfg
}

func newWitnessRun(script []byte) (*witnessRun, error) {
	r := &witnessRun{s: &witnessScript{script}, buf: make([]byte, 0, 512), scratch: make([]byte, core.ScratchSize+1000)}
	kind := r.s.below(8)
	r.role = core.Role(kind & 1)
	opened := kind > 2
	r.peer.opened = opened
	r.now = pick[clock.Time](r.s, 0, 1, 1e18)
	mood := r.s.below(16)
	r.calm, r.lawful, r.prompt, r.chatty = mood&1 != 0, mood&2 != 0, mood&4 != 0, mood > 11
	cfg := r.config()
	log := newEntropyLog(cfg.Entropy)
	given := cfg
	given.Entropy = log.draw
	set, err := core.NewSettings(given)
	if err != nil {
		return nil, err
	}
	var c *core.Conn
	switch {
	case opened:
		c, err = core.NewOpen(set, r.now, r.role)
		if err == nil && cfg.Compression != nil {
			err = c.Compress(bareParams(cfg.Compression))
		}
	case r.role == core.Client:
		c, err = core.NewClient(set, r.now, core.RequestOptions{Host: "example.com", Subprotocols: pick(r.s, nil, []string{"chat"})})
	default:
		c = core.NewServer(set, r.now)
	}
	if err != nil {
		return nil, err
	}
	r.ahead = r.s.oneIn(4)
	r.w = newWitness(c, r.role, cfg, r.now, opened, log, func(oracle string, err error) { r.oracle, r.err = oracle, err })
	return r, nil
}

func (r *witnessRun) run() {
	if r.ahead {
		r.w.SetReadAhead(r.now, true)
	}
	for dead := 0; r.err == nil && len(r.s.rest) > 0 && dead < 12; {
		r.step()
		if r.prompt && r.err == nil {
			r.out = r.w.AppendOutput(r.out[:0])
			r.w.Wrote(r.now, 1<<20)
			r.logf("drained: %q", r.out)
		}
		if r.w.Transport() >= core.TransportClose {
			dead++
		}
	}
}

func (r *witnessRun) logf(format string, args ...any) {
	if r.log != nil {
		at, why := r.w.Deadline()
		fmt.Fprintf(r.log, format, args...)
		fmt.Fprintf(r.log, "\n\t\t-> %s, %s, pending %d\n", deadlineText(at, why), r.w.Transport(), r.w.Pending())
	}
}

// time lets the next instant come: often one at which something is due.
func (r *witnessRun) time() clock.Time {
	at, why := r.w.Deadline()
	aims := [...]time.Duration{-1, 0, 0, 0, 1, time.Second, time.Second + 1, 90 * time.Second}
	k := r.s.below(24)
	if r.calm && k > 4 {
		k += 8
	}
	switch {
	case k < 8 && why != core.TimerNone && at < r.now.Add(time.Hour):
		return max(r.now, at.Add(aims[k]))
	case k == 8:
		return r.now.Add(-time.Second)
	case k == 9:
		return r.now.Add(7 * time.Second)
	case k == 10:
		return r.now.Add(time.Second)
	case k == 11:
		return r.now.Add(time.Duration(r.s.below(256)) * 10 * time.Millisecond)
	case k == 12:
		return r.now.Add(time.Minute + time.Second)
	case k < 16:
		return r.now.Add(1)
	}
	return r.now
}

func (r *witnessRun) step() {
	op := r.s.below(40)
	now := r.now
	if op < 30 {
		now = r.time()
		r.now = max(r.now, now)
	}
	w := r.w
	switch {
	case op < 12:
		r.receive(now)
	case op < 20:
		ev := w.Tick(now)
		r.logf("%d Tick: %+v", now, ev)
	case op < 22:
		on := r.s.below(2) == 0
		w.SetReading(now, on)
		r.logf("%d SetReading %t", now, on)
	case op == 22:
		on := r.s.below(2) == 0
		w.SetReadAhead(now, on)
		r.logf("%d SetReadAhead %t", now, on)
	case op < 26:
		n := pick(r.s, 1000, 1000, 0, 1, 2, 7, -1)
		w.Wrote(now, n)
		r.logf("%d Wrote %d", now, n)
	case op == 26:
		r.ending(now)
	case op == 27:
		r.answer(now)
	case op == 28 && r.s.oneIn(4):
		code, reason := frame.CloseCode(pick(r.s, 1000, 1001, 1002, 4000, 1005, 1006, 999)), pick(r.s, "", "bye", "\xff", strings.Repeat("r", 124))
		out, err := w.AppendClose(now, r.out[:0], code, reason)
		r.logf("%d AppendClose %d %q: %q %v", now, code, reason, out, err)
	case op >= 30 && op < 36:
		r.out = w.AppendOutput(r.out[:min(r.s.below(3), len(r.out))])
		r.logf("AppendOutput: %q", r.out)
	case op >= 36:
		r.send()
	}
}

// ending ends the input, rarely.
func (r *witnessRun) ending(now clock.Time) {
	k := r.s.below(32)
	if r.w.mirror.got {
		k = 12 + k/8
	}
	switch k {
	case 15:
		ev := r.w.Lost(now)
		r.logf("%d Lost: %+v", now, ev)
	case 14, 13:
		ev := r.w.RecvEOF(now)
		r.logf("%d RecvEOF: %+v", now, ev)
	}
}

func (r *witnessRun) answer(now clock.Time) {
	var err error
	switch r.s.below(6) {
	case 0:
		err = r.w.Reject(now, core.RejectOptions{Status: pick(r.s, 0, 404, 200), Body: []byte("no")})
	case 1:
		err = r.w.Accept(now, core.AcceptOptions{Subprotocol: "unheard-of"})
	default:
		err = r.w.Accept(now, core.AcceptOptions{})
	}
	r.logf("%d answer: %v", now, err)
}

var witnessedTexts = []string{"", "a", "héllo", "€", "\U0001F600 smile", "plain ASCII that is a little longer", "\xed\xa0\x80", "\xf4\x90", "\xc0\xaf", "\xff", "ok\xe2\x82", "\xac", "\x80"}

// send makes a call that sends something.
func (r *witnessRun) send() {
	w := r.w
	out := r.out[:0]
	op := pick(r.s, frame.Text, frame.Binary, frame.Continuation, frame.Text, frame.Continuation, frame.Ping)
	p := []byte(pick(r.s, witnessedTexts...))
	if w.mirror.cfg != nil {
		p = bytes.Repeat(p, pick(r.s, 1, 3, 30, 100))
	}
	var err error
	switch r.s.below(5) {
	case 0:
		out, err = w.AppendMessage(out, op, p)
	case 1, 2:
		out, err = w.AppendFragment(out, op, p, r.s.below(2) == 0)
	case 3:
		n := pick(r.s, 0, 5, 126, 65536, -1, 1<<30+1, 1<<30)
		out, _, err = w.AppendHeader(out, op, core.HeaderOptions{More: r.s.below(2) == 0}, n)
	case 4:
		if r.s.oneIn(4) {
			p = make([]byte, pick(r.s, 125, 126))
		}
		out, err = w.AppendPing(out, p)
	}
	r.out = out
	r.logf("send %s %q: %q %v", op, p, out, err)
}

// receive passes a part of the peer's bytes, after the peer has said more.
func (r *witnessRun) receive(now clock.Time) {
	if len(r.in) < 200 && r.s.below(3) < 2 {
		r.say()
	}
	n := len(r.in)
	switch r.s.below(4) {
	case 0:
		n = min(n, 1)
	case 1:
		n = min(n, r.s.below(12))
	}
	scratch := r.scratch[:core.ScratchSize]
	if r.w.mirror.cfg != nil {
		scratch = r.scratch[:core.ScratchSize+pick(r.s, 1000, 1, 2, 3, 7, 64)]
	} else if r.s.oneIn(6) {
		scratch = scratch[:r.s.below(10)]
	}
	for r.receiveOnce(now, n, scratch) && r.prompt {
		n = len(r.in)
	}
}

// receiveOnce passes n bytes and reports whether there may be more to say.
func (r *witnessRun) receiveOnce(now clock.Time, n int, scratch []byte) bool {
	r.buf = append(r.buf[:0], r.in[:n]...)
	if r.s.oneIn(8) {
		r.buf = bytes.Clone(r.buf)
	}
	k, ev := r.w.Recv(now, r.buf, scratch)
	r.logf("%d Recv %q: %d %+v %q", now, r.in[:n], k, ev, ev.Data)
	r.in = r.in[min(max(k, 0), len(r.in)):]
	if r.s.oneIn(8) {
		for i := range r.buf {
			r.buf[i] ^= 0xA5
		}
	}
	if ev.Kind == core.EventOpen || ev.Kind == core.EventRequest {
		r.peer.opened = true
	}
	return ev.Kind != core.EventNone && r.err == nil && len(r.s.rest) > 0
}

// say lets the peer send something.
func (r *witnessRun) say() {
	s := r.s
	if !r.peer.opened {
		r.sayHandshake()
		return
	}
	if r.chatty && s.oneIn(8) {
		r.sayPongs(s.below(80))
	}
	h := frame.Header{Fin: true}
	p := []byte(witnessedTexts[s.below(6)])
	k := s.below(16)
	if r.chatty && k < 8 {
		k = 9 + k/2
	}
	if r.lawful && k == 15 {
		k = 0
	}
	switch {
	case k < 9:
		r.sayData(&h, &p)
	case k < 12:
		h.Opcode = frame.Ping
	case k < 13:
		h.Opcode = frame.Pong
	case k == 13 && s.oneIn(3):
		h.Opcode = frame.Close
		p = []byte(pick(s, "\x03\xe8", "", "\x03\xe8", "\x03\xe9", "\x03\xe9bye", "\x0f\xa0very long reason", "\x03", "\x03\xed", "\x03\xea\xff"))
	case k == 14:
		h.Opcode = pick(s, frame.Ping, frame.Pong)
		p = make([]byte, pick(s, 125, 100, 125, 7, 126))
		if r.lawful {
			p = p[:min(len(p), 125)]
		}
	default:
		h.Opcode = frame.Binary
		if r.peer.inMessage {
			h.Opcode = frame.Continuation
		}
		p = bytes.Repeat([]byte{'x'}, pick(s, 20, 21, 40, 41, 130, 131, 126, 1001))
		r.peer.inMessage = false
	}
	h.Masked = r.role == core.Server
	h.Mask = frame.Mask{byte(s.below(256)), 2, 3, 4}
	if !h.Masked {
		h.Mask = frame.Mask{}
	}
	from := len(r.in)
	if s.below(64) == 63 && !r.lawful {
		r.spoilHeader(&h, &p)
	}
	r.in = frame.AppendFrame(r.in, h, p)
	if s.below(128) == 127 && !r.lawful {
		r.in[from+s.below(len(r.in)-from)] ^= 1 << s.below(8)
	}
}

// sayPongs sends many pongs that nobody asked for.
func (r *witnessRun) sayPongs(n int) {
	h := frame.Header{Fin: true, Opcode: frame.Pong, Masked: r.role == core.Server}
	for range n {
		r.in = frame.AppendFrame(r.in, h, nil)
	}
}

func (r *witnessRun) sayData(h *frame.Header, p *[]byte) {
	s, peer := r.s, &r.peer
	h.Fin = s.below(3) > 0
	if peer.inMessage {
		h.Opcode = frame.Continuation
	} else {
		peer.isText = s.below(3) > 0
		h.Opcode = frame.Binary
		if peer.isText {
			h.Opcode = frame.Text
		}
	}
	peer.inMessage = !h.Fin
	if s.below(48) == 47 && !r.lawful {
		*p = []byte(pick(s, witnessedTexts...))
	}
	r.compressData(h, p)
	if !h.Fin && len(*p) > 0 && s.below(2) == 0 { // cut inside a character, and go on
		cut := s.below(len(*p))
		first := *h
		first.Masked = r.role == core.Server
		r.in = frame.AppendFrame(r.in, first, (*p)[:cut])
		*p = (*p)[cut:]
		h.Opcode, h.RSV1 = frame.Continuation, false
	}
}

func (r *witnessRun) spoilHeader(h *frame.Header, p *[]byte) {
	switch r.s.below(7) {
	case 0:
		h.RSV1 = true
	case 1:
		h.Opcode = frame.Opcode(r.s.below(16))
	case 2:
		h.Fin = !h.Fin
	case 3:
		h.Masked = !h.Masked
	case 4:
		*p = make([]byte, 130)
	case 5: // a length that is not minimal
		r.in = append(r.in, byte(frame.Binary)|0x80, 126|0x80, 0, 5)
	case 6: // the top bit of the length
		r.in = append(r.in, byte(frame.Binary)|0x80, 127, 0x80)
	}
}

const witnessedGET = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

func witnessedAnswer(key string) string {
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + acceptOf(key) + "\r\n\r\n"
}

func (r *witnessRun) sayHandshake() {
	s := r.s
	from := len(r.in)
	if r.role == core.Server {
		get := pick(s, witnessedGET, witnessedGET, witnessedGET, witnessedGET+"X-a: b\r\n", "\r\n"+witnessedGET,
			strings.Replace(witnessedGET, "GET", "POST", 1), strings.Replace(witnessedGET, "13", "8", 1),
			witnessedGET+"Sec-WebSocket-Protocol: chat\r\n", witnessedGET+"Content-Length: 5\r\n", "\x16\x03\x01")
		if r.w.mirror.cfg != nil {
			get += pick(s, witnessedOffers...)
		}
		r.in = append(r.in, get+"\r\n"...)
		r.peer.opened = true
	} else {
		if s.below(3) == 2 {
			r.in = append(r.in, "HTTP/1.1 103 Early Hints\r\nX-a: b\r\n\r\n"...)
		}
		key := r.w.mirror.shake.key
		if s.below(16) == 15 {
			key = "another"
		}
		answer := witnessedAnswer(key)
		if r.w.mirror.cfg != nil {
			answer = strings.TrimSuffix(answer, "\r\n") + pick(s, witnessedChoices...) + "\r\n"
		}
		r.in = append(r.in, pick(s, answer, answer, answer, answer, strings.Replace(answer, "101", "404", 1), strings.Replace(answer, "\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n", 1))...)
		r.peer.opened = true
	}
	if s.below(40) == 39 {
		r.in[from+s.below(len(r.in)-from)] ^= 1 << s.below(8)
	}
}

// explain runs script again, and returns the calls that led to the report.
func explain(script []byte) string {
	r, err := newWitnessRun(script)
	if err != nil {
		return err.Error()
	}
	r.log = &strings.Builder{}
	r.run()
	lines := strings.Split(r.log.String(), "\n")
	return fmt.Sprintf("%s\n%s: %v", strings.Join(lines[max(0, len(lines)-60):], "\n"), r.oracle, r.err)
}

func runWitness(t testing.TB, script []byte) {
	t.Helper()
	r, err := newWitnessRun(script)
	if err != nil {
		t.Fatal(err)
	}
	if r.run(); r.err != nil {
		t.Error(explain(script))
	}
}

func witnessScriptOf(rnd *rand.ChaCha8, size int) []byte {
	p := make([]byte, size)
	rnd.Read(p)
	return p
}

// The core gives a witness nothing to report, whatever is done to it.
func TestWitnessIsSilent(t *testing.T) {
	runs := 10000
	if testing.Short() {
		runs = 2000
	}
	for i := range runs {
		rnd := rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		runWitness(t, witnessScriptOf(rnd, 600))
		if t.Failed() {
			t.Fatalf("run %d", i)
		}
	}
}

func FuzzWitness(f *testing.F) {
	for i := range 20 {
		f.Add(witnessScriptOf(rand.NewChaCha8([32]byte{byte(i)}), 500))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) <= 5000 {
			runWitness(t, script)
		}
	})
}
