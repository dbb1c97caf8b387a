package sim

import (
	"fmt"
	"time"

	"github.com/fb1e3c20/websockets/clock"
)

// A Link describes the network between two nodes. It says what an undisturbed
// network does; faults come on top. [TCP], [TLS], [HTTP2], [HTTP3], [QUICStream] and
// [Pipe] are there to begin with. The zero Link is TCP without latency.
//
// Both directions are alike, and bytes always arrive in the order in which they
// were written.
type Link struct {
	// Carrier tells how a stream ends.
	Carrier Carrier

	// Latency is how long every byte is on its way, at most a day. The writer
	// learns as much later that the reader has made room.
	Latency time.Duration

	// Jitter is the most that the tape adds to the latency of a write, until
	// the world is healed: at most a day.
	Jitter time.Duration

	// Bandwidth is how many bytes a second the line takes; 0: any number.
	// What is written arrives in pieces of at most what passes in a second,
	// or of a 1024th of the write if that is more.
	Bandwidth int

	// Buffer is the most bytes that are between writing and reading; beyond
	// that the writer waits. 0: 64 KiB.
	Buffer int
}

// TCP is a TCP connection over a few hundred kilometres: 5 ms each way, up to
// 20 ms of jitter, 64 KiB of buffers.
func TCP() Link {
	return Link{Carrier: CarrierTCP, Latency: 5 * time.Millisecond, Jitter: 20 * time.Millisecond}
}

// TLS is TLS on [TCP].
func TLS() Link { return asFar(CarrierTLS) }

// QUICStream is a stream of a QUIC connection over the same distance as [TCP].
func QUICStream() Link { return asFar(CarrierQUIC) }

// HTTP2 is a stream of an HTTP/2 connection over the same distance as [TCP]. No
// opening handshake of RFC 6455 is on it: see Node.Bare.
func HTTP2() Link { return asFar(CarrierHTTP2) }

// HTTP3 is a stream of an HTTP/3 connection over the same distance as [TCP]. No
// opening handshake of RFC 6455 is on it: see Node.Bare.
func HTTP3() Link { return asFar(CarrierHTTP3) }

func asFar(c Carrier) Link {
	l := TCP()
	l.Carrier = c
	return l
}

// Pipe is a pipe in memory: no latency, 4 KiB of buffer.
func Pipe() Link { return Link{Carrier: CarrierPipe, Buffer: 4 << 10} }

const defaultBuffer = 64 << 10

const longestLatency = 24 * time.Hour

// check returns what is wrong with the description.
func (l *Link) check() error {
	switch {
	case int(l.Carrier) >= len(carrierNames):
		return fmt.Errorf("Link.Carrier is %v; it must be CarrierTCP or another of the constants", l.Carrier)
	case l.Latency < 0 || l.Jitter < 0:
		return fmt.Errorf("Link.Latency and Link.Jitter are %v and %v; they must not be negative", l.Latency, l.Jitter)
	case l.Latency > longestLatency || l.Jitter > longestLatency:
		return fmt.Errorf("Link.Latency and Link.Jitter are %v and %v; they must be at most %v", l.Latency, l.Jitter, longestLatency)
	case l.Bandwidth < 0 || l.Buffer < 0:
		return fmt.Errorf("Link.Bandwidth and Link.Buffer are %d and %d; they must not be negative", l.Bandwidth, l.Buffer)
	}
	return nil
}

// slow reports whether timeouts may run out because of the link alone.
func (l *Link) slow() bool { return l.Bandwidth > 0 || l.Latency+l.Jitter >= time.Second }

// A socket is one end of a link, as a driver sees it.
type socket struct {
	*manners
	out, in *wire
	owner   *Conn // who is told of what happens; nil: nobody
	closed  bool
	ghost   bool // it vanished with its machine, over a link that works

	lingering task // closed, and what comes is thrown away until then
}

// A wire is one direction of a link. What was written lies in buf from the
// first unread byte on; the first arrived bytes of it can be read.
type wire struct {
	w    *World
	name string
	link *Link
	to   *socket // who reads
	from *socket // who writes

	room    int // the most bytes between writing and reading
	buf     []byte
	start   int // of the unread bytes in buf
	arrived int
	flying  []segment // in the order in which they arrive
	used    int       // of the buffer, as far as the writer knows
	short   bool      // the writer waits for room
	acks    []ack     // of what was read, on their way to the writer
	last    clock.Time
	free    clock.Time // when the line has sent what it was given
	clogged clock.Time // nothing arrives before
	taken   int64      // bytes, ever

	vanishes  bool  // nothing arrives any more, and nobody is told
	swallowed bool  // something was written since
	fin       bool  // arrived: no byte follows
	broken    error // arrived: why nothing follows, not even what is written from now on
	ended     bool  // the writer has sent a fin or a reset
	stopped   bool  // the writer knows that nobody reads
	hurt      bool  // a fault that may end the connection happened to it

	arrival task
	window  task // tells the writer of room
	silence task // has the reader lose the connection
	fault   wireFault
	jitter  *Stream
	cut     *Stream
}

// A segment is what arrives at one instant.
type segment struct {
	at   clock.Time
	from clock.Time // when the line takes it
	n    int
	kind segmentKind
}

// An ack makes room at the writer.
type ack struct {
	at clock.Time
	n  int
}

type segmentKind uint8

const (
	segmentData segmentKind = iota
	segmentFIN
	segmentRST
	segmentStop // of the other direction: its reader is gone
)

// connectSockets returns the two ends of a new link.
func (w *World) connectSockets(from, to string, link Link) (near, far *socket) {
	if link.Buffer == 0 {
		link.Buffer = defaultBuffer
	}
	near, far = w.newSocket(), w.newSocket()
	near.manners, far.manners = link.Carrier.manners()
	near.out = w.newWire(from+">"+to, &link, near, far)
	far.out = w.newWire(to+">"+from, &link, far, near)
	near.in, far.in = far.out, near.out
	return near, far
}

func (w *World) newSocket() *socket {
	s := &socket{}
	s.lingering.run = s.stop
	return s
}

func (w *World) newWire(name string, link *Link, from, to *socket) *wire {
	x := &wire{w: w, name: name, link: link, from: from, to: to}
	x.arrival.run = x.arrive
	x.window.run = x.open
	x.silence.run = x.fallSilent
	x.jitter = w.tape.Stream(name + ".jitter")
	x.cut = w.tape.Stream(name + ".cut")
	x.room = link.Buffer
	x.choose()
	w.wires = append(w.wires, x)
	return x
}

// write takes as much of p as there is room for. An error ends the output.
func (s *socket) write(p []byte) (int, error) {
	x := s.out
	switch {
	case s.closed:
		return 0, errClosed
	case s.in.broken != nil:
		return 0, s.in.broken
	case x.ended:
		return 0, errEnded
	case x.stopped:
		return 0, errStopped
	}
	n := x.admit(len(p))
	if n == 0 || x.vanishes || x.broken != nil {
		x.swallowed = x.swallowed || n > 0
		return n, nil
	}
	x.compact()
	x.buf = append(x.buf, p[:n]...)
	most := n
	if rate := x.bandwidth(); rate > 0 {
		most = max(rate, (n+mostPieces-1)/mostPieces)
	}
	for left := n; left > 0; {
		piece := min(left, most)
		x.send(segmentData, piece)
		left -= piece
	}
	return n, nil
}

// mostPieces is in how many pieces a write arrives at most.
const mostPieces = 1024

// admit returns for how many of n bytes there is room.
func (x *wire) admit(n int) int {
	x.takeAcks()
	if room := max(x.room-x.used, 0); n > room {
		n = room
		x.short = true
		x.awaitRoom()
	}
	x.used += n
	return n
}

// ack lets the writer know that n bytes were read.
func (x *wire) ack(n int) {
	if x.vanishes {
		return
	}
	x.takeAcks()
	at := x.w.now.Add(x.link.Latency)
	if last := len(x.acks) - 1; last >= 0 && x.acks[last].at == at {
		x.acks[last].n += n
	} else {
		x.acks = append(x.acks, ack{at, n})
	}
	x.awaitRoom()
}

// takeAcks makes the room that the writer knows of by now.
func (x *wire) takeAcks() {
	k := 0
	for k < len(x.acks) && x.acks[k].at <= x.w.now {
		x.used -= x.acks[k].n
		k++
	}
	if k > 0 {
		x.acks = dropFirst(x.acks, k)
	}
}

func (x *wire) awaitRoom() {
	if x.short && len(x.acks) > 0 {
		x.w.tasks.setBy(&x.window, x.acks[0].at)
	}
}

func (x *wire) compact() {
	if x.start == len(x.buf) {
		x.buf, x.start = x.buf[:0], 0
		return
	}
	if x.start > 4<<10 && x.start > len(x.buf)/2 {
		x.buf = x.buf[:copy(x.buf, x.buf[x.start:])]
		x.start = 0
	}
}

// dropFirst returns list without its first k. What is left of a long list stays
// where it is, and moves when it has to grow; a short one keeps its memory.
func dropFirst[T any](list []T, k int) []T {
	if len(list)-k > 64 {
		return list[k:]
	}
	return list[:copy(list, list[k:])]
}

// send lets a segment travel.
func (x *wire) send(kind segmentKind, n int) {
	x.free = max(x.free, x.w.now)
	from := x.free
	if rate := x.bandwidth(); rate > 0 {
		x.free = x.free.Add(time.Duration(int64(n) * int64(time.Second) / int64(rate)))
	}
	at := x.free.Add(x.link.Latency + x.delay())
	x.last = max(x.last, at)
	x.flying = append(x.flying, segment{x.last, from, n, kind})
	x.awaitArrival()
}

func (x *wire) awaitArrival() {
	if len(x.flying) == 0 {
		return
	}
	at := max(x.flying[0].at, x.clogged, x.w.now)
	if x.arrival.index == 0 || x.arrival.at != at {
		x.w.tasks.set(&x.arrival, at)
	}
}

// arrive hands over what has come by now.
func (x *wire) arrive() {
	now := x.w.now
	if now < x.clogged {
		x.awaitArrival()
		return
	}
	k := 0
	for k < len(x.flying) && x.flying[k].at <= now {
		x.land(x.flying[k])
		k++
	}
	x.flying = dropFirst(x.flying, min(k, len(x.flying)))
	x.awaitArrival()
	x.to.tell()
}

func (x *wire) land(g segment) {
	switch g.kind {
	case segmentData:
		x.arrived += g.n
		if x.to.closed {
			x.refuse()
		}
	case segmentFIN:
		x.fin = true
		x.w.tasks.stop(&x.to.lingering)
	case segmentRST:
		x.breakOff(errReset)
	case segmentStop:
		x.to.out.stopped = true
	}
}

// refuse answers data that comes to a closed socket.
func (x *wire) refuse() {
	n := x.discard()
	switch {
	case x.to.resets:
		x.to.out.sendReset()
	case x.to.lingering.index != 0:
		x.ack(n)
	}
}

// discard drops what has arrived and returns how much that is.
func (x *wire) discard() int {
	n := x.arrived
	x.start += n
	x.arrived = 0
	return n
}

// breakOff ends the input with err. Of what has arrived the reader keeps what it
// keeps.
func (x *wire) breakOff(err error) {
	x.broken = err
	x.w.tasks.stop(&x.to.lingering)
	kept, end := x.kept()
	x.buf = x.buf[:x.start+kept]
	x.arrived, x.fin = kept, end
	x.flying = x.flying[:0]
}

// kept returns how many of the bytes that have arrived a reset leaves, and whether
// it leaves the end of the input behind them.
func (x *wire) kept() (n int, end bool) {
	switch {
	case x.to.keeps == keepsNothing || x.arrived == 0 && !x.fin:
		return 0, false
	case x.to.keeps == keepsAll:
		return x.arrived, x.fin
	}
	ways := uint64(2)
	if x.arrived > 1 {
		ways = 3
	}
	switch x.w.tape.Stream(x.name + ".kept").Choose(ways) {
	case 1:
		return x.arrived, x.fin
	case 2:
		return x.arrived / 2, false
	}
	return 0, false
}

func (x *wire) sendReset() {
	if x.vanishes || x.broken != nil {
		return
	}
	x.ended = true
	x.takeBack()
	x.send(segmentRST, 0)
}

// takesEndBack reports whether the end of the output, which is sent at this very
// instant, is given up.
func (x *wire) takesEndBack() bool {
	last := len(x.flying) - 1
	if last < 0 || x.flying[last].kind != segmentFIN || x.flying[last].from != x.w.now {
		return false
	}
	back := x.w.tape.Stream(x.name+".end").Chance(1, 2)
	if back {
		x.flying = x.flying[:last]
	}
	return back
}

// takeBack gives up what the line has not taken yet.
func (x *wire) takeBack() {
	k := len(x.flying)
	for k > 0 && x.flying[k-1].from > x.w.now {
		k--
		x.buf = x.buf[:len(x.buf)-x.flying[k].n]
		x.free = x.flying[k].from
	}
	if x.flying = x.flying[:k]; k > 0 {
		x.last = x.flying[k-1].at
	} else {
		x.last = x.w.now
	}
}

// read returns a piece of what has come, which stays valid until the next read
// or write; whether the input has ended; or how it broke.
func (s *socket) read() (p []byte, eof bool, err error) {
	x := s.in
	switch {
	case s.closed:
		return nil, false, errClosed
	case x.arrived == 0 && x.fin:
		return nil, true, nil
	case x.arrived == 0:
		return nil, false, x.broken
	}
	n := x.piece()
	p = x.buf[x.start : x.start+n]
	x.start += n
	x.arrived -= n
	x.taken += int64(n)
	x.ack(n)
	return p, false, nil
}

// readable reports whether read would return something.
func (s *socket) readable() bool {
	return s.in.broken != nil || s.in.arrived > 0 || s.in.fin
}

// open tells the writer that there is room again.
func (x *wire) open() {
	if x.vanishes {
		return
	}
	x.takeAcks()
	x.short = false
	x.from.tell()
}

// closeWrite ends the output after what was written.
func (s *socket) closeWrite() {
	x := s.out
	if x.ended || s.closed {
		return
	}
	x.ended = true
	if !x.vanishes && x.broken == nil {
		x.send(segmentFIN, 0)
	}
}

// close lets go of the socket, as the carrier does it.
func (s *socket) close() {
	if s.closed {
		return
	}
	unread := s.in.arrived > 0
	if unread && s.resets && !s.saysGoodbye {
		s.abort()
		return
	}
	s.closeWrite()
	if unread && s.resets {
		s.out.sendReset()
	}
	over := s.in.fin || s.in.broken != nil
	n := s.letGo()
	if over || s.lingers == 0 {
		s.stop()
		return
	}
	s.in.ack(n)
	s.in.w.tasks.set(&s.lingering, s.in.w.now.Add(s.lingers))
}

// abort gives up what has not been sent and tells the peer by a reset.
func (s *socket) abort() {
	if s.closed {
		return
	}
	if !s.endStays || !s.out.ended || s.out.takesEndBack() {
		s.out.sendReset()
	}
	s.letGo()
	s.stop()
}

// vanish lets go of the socket without a word.
func (s *socket) vanish() {
	s.ghost = s.restarts && !s.in.vanishes && !s.out.vanishes
	s.letGo()
	s.out.lose()
	s.in.lose()
}

// letGo returns how many bytes nobody will read.
func (s *socket) letGo() int {
	s.closed = true
	s.owner = nil
	return s.in.discard()
}

// stop makes the peer's writes fail, unless resets will.
func (s *socket) stop() {
	if !s.resets && !s.out.vanishes {
		s.out.send(segmentStop, 0)
	}
}

// comeBack is for a socket that vanished with its machine, which is up again and
// knows nothing of it: it answers with a reset what comes, and what came
// meanwhile, since the peer sends that again.
func (s *socket) comeBack() {
	if !s.ghost {
		return
	}
	s.ghost = false
	s.in.vanishes, s.out.vanishes = false, false
	if s.in.swallowed {
		s.out.sendReset()
	}
}

// lose has the network lose what travels on the wire and what will be written.
func (x *wire) lose() {
	if x.vanishes {
		return
	}
	x.swallow()
	if x.to.patience > 0 {
		x.w.tasks.set(&x.silence, x.w.now.Add(x.to.patience))
	}
}

// swallow makes the wire carry nothing any more.
func (x *wire) swallow() {
	x.vanishes = true
	x.flying = x.flying[:0]
	x.acks = x.acks[:0]
	x.buf = x.buf[:x.start+x.arrived]
	x.w.tasks.stop(&x.arrival)
	x.w.tasks.stop(&x.window)
}

// fallSilent has the reader lose the connection, of which it says nothing.
func (x *wire) fallSilent() {
	if x.to.closed || x.broken != nil {
		return
	}
	x.broken = errLost
	x.to.out.lose()
	x.to.tell()
}

// clog keeps everything from arriving for d.
func (x *wire) clog(d time.Duration) {
	x.clogged = max(x.clogged, x.w.now.Add(d))
	x.awaitArrival()
}

// heal lets what is held up arrive, and makes the room that there should be.
func (x *wire) heal() {
	x.clogged = x.w.now
	x.awaitArrival()
	x.room = x.link.Buffer
	x.open()
}

func (s *socket) tell() {
	if s.owner != nil {
		s.owner.stir()
	}
}
