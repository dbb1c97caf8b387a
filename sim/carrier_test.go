package sim

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/transport"
)

// An end of a stream, real or simulated: what of a [transport.Stream] tells how it
// ends.
type end interface {
	TryRead(p []byte) (int, error)
	Readable() bool
	TryWrite(p []byte) (int, error)
	CloseWrite() error
	Close() error
	Abort() error
}

// An ending is something that one end of a stream does, the actor. The other end
// looks at what comes of it.
type ending struct {
	name  string
	words int  // that the actor writes before; the other end has not read them
	input int  // that the other end has written before; the actor has not read it
	over  bool // the other end has ended its output, and the actor has read that
	acts  []act
	first bool // the other end writes before it reads
	later int  // how much it writes
}

const (
	some = 5
	more = 8 << 10
	much = 1 << 20 // than the real carriers hold between two ends of which one does not read; sockets may hold more
	most = 1 << 40 // as much as is taken
)

var endings = []ending{
	{name: "CloseWrite", words: some, acts: []act{(*trial).closeWrite}, later: some},
	{name: "Close", words: some, acts: []act{(*trial).close}, later: much},
	{name: "Close; the other end writes, then reads", words: some, acts: []act{(*trial).close}, first: true, later: much},
	{name: "Close with input unread", words: some, input: some, acts: []act{(*trial).close}, later: much},
	{name: "Close while the other end is blocked; it goes on for ever", words: some, input: most, acts: []act{(*trial).close}, later: most},
	{name: "Close after the other end's CloseWrite", words: some, over: true, acts: []act{(*trial).close}, later: some},
	{name: "CloseWrite and Abort at once", words: some, acts: []act{(*trial).closeWrite, (*trial).abort}, later: most},
	{name: "Abort", words: some, acts: []act{(*trial).abort}, later: most},
	{name: "Abort with more unread", words: more, acts: []act{(*trial).abort}, later: most},
	{name: "Abort with input unread", words: some, input: some, acts: []act{(*trial).abort}, later: most},
	{name: networkFails, words: some, acts: []act{(*trial).fail}, later: most},
}

const networkFails = "nothing; the network fails"

// A trial is a fresh stream.
type trial struct {
	t            *testing.T
	actor, other end
	lose         func()                         // has the network fail
	await        func(is func() bool) (ok bool) // lets time pass
	rest         func()                         // lets others work
	pause        func()                         // lets arrive what is on its way
	isReset      func(error) bool               // the peer has aborted
	gone         bool                           // the actor has closed or aborted
}

// An act is what the actor does, or the network.
type act func(*trial) error

func (s *trial) closeWrite() error { return s.actor.CloseWrite() }
func (s *trial) close() error      { s.gone = true; return s.actor.Close() }
func (s *trial) abort() error      { s.gone = true; return s.actor.Abort() }
func (s *trial) fail() error       { s.lose(); return nil }

// unsupported is what comes of an act that the carrier has not.
const unsupported = "cannot"

// An outcome is what came of an ending, in words that do not depend on time.
type outcome struct {
	reads    string // of the other end: how much of the words, and what then
	writes   string // of the other end, later: are taken, or fail
	ownReads string
}

// play brings the ending about and tells what comes of it.
func (e *ending) play(s *trial) outcome {
	s.meet(s.actor, s.other)
	s.meet(s.other, s.actor)
	if e.over {
		if s.other.CloseWrite() != nil {
			return outcome{reads: unsupported}
		}
		s.read(s.actor, 0)
	}
	if e.input > 0 {
		s.fill(s.other, e.input)
		s.see(s.actor)
	}
	s.write(s.actor, e.words)
	s.see(s.other)
	for _, act := range e.acts {
		if err := act(s); errors.Is(err, errors.ErrUnsupported) {
			return outcome{reads: unsupported}
		} else if err != nil {
			s.t.Errorf("%s: %v", e.name, err)
		}
	}
	s.pause()
	return e.look(s)
}

// look tells what the ends see of what was done.
func (e *ending) look(s *trial) (o outcome) {
	if e.first {
		o.writes = s.write(s.other, e.later)
	}
	o.reads = s.read(s.other, e.words)
	if !e.first {
		o.writes = s.write(s.other, e.later)
	}
	s.other.Close()
	o.ownReads = s.read(s.actor, 0)
	if w := s.write(s.actor, most); w != "fail" {
		s.t.Errorf("%s: its own writes %s", e.name, w)
	}
	return o
}

// meet has a byte go from one end to the other.
func (s *trial) meet(from, to end) {
	s.write(from, 1)
	for {
		s.see(to)
		if n, err := to.TryRead(make([]byte, 1)); n == 1 {
			return
		} else if err != transport.ErrWouldBlock {
			s.t.Fatalf("the first byte: %v", err)
		}
	}
}

func (s *trial) see(e end) {
	s.t.Helper()
	if !s.await(e.Readable) {
		s.t.Fatal("nothing arrives")
	}
}

// fill writes n bytes, or as many as are taken.
func (s *trial) fill(e end, n int) {
	piece := make([]byte, 64<<10)
	for n > 0 {
		m, err := e.TryWrite(piece[:min(n, len(piece))])
		if n -= m; err != nil {
			return
		}
	}
}

// write writes n bytes and tells whether they are taken. It does not hurry, so that
// a reset has the time to come, and nobody else is kept from working.
func (s *trial) write(e end, n int) string {
	piece := make([]byte, 64<<10)
	if n == most {
		piece = piece[:4<<10]
	}
	var err error
	moves := func() bool {
		var m int
		m, err = e.TryWrite(piece[:min(n, len(piece))])
		n -= m
		return m > 0 || err != transport.ErrWouldBlock
	}
	for n > 0 {
		switch {
		case !s.await(moves):
			return "wait for ever"
		case err != nil && err != transport.ErrWouldBlock:
			return "fail"
		}
		s.rest()
	}
	return "are taken"
}

// read reads to the end and tells how much of n bytes came, and what then.
func (s *trial) read(e end, n int) string {
	got, buf := 0, make([]byte, 64<<10)
	for {
		m, err := e.TryRead(buf)
		got += m
		switch {
		case err == nil:
		case err != transport.ErrWouldBlock:
			return amount(got, n) + s.ending(e, err)
		case !s.await(e.Readable):
			return amount(got, n) + "nothing more"
		}
	}
}

// amount tells how many of n bytes came; n is 0 where nobody counts.
func amount(got, n int) string {
	switch {
	case n == 0 && got == 0:
		return ""
	case n == 0 || got == n:
		return "all, "
	case got == 0:
		return "none, "
	case got > n:
		return "too much, "
	}
	return "part, "
}

// ending tells what an error of reading is. One after Close or Abort is of no interest,
// but that there is one.
func (s *trial) ending(e end, err error) string {
	switch {
	case s.gone && e == s.actor || errors.Is(err, net.ErrClosed):
		return "closed"
	case err == io.EOF:
		return "end"
	case s.isReset(err):
		return "reset"
	}
	return "lost"
}

// A virtual is an end of a simulated stream.
type virtual struct{ s *socket }

func (v virtual) TryRead(p []byte) (int, error) {
	in, eof, err := v.s.read()
	switch {
	case err == errClosed:
		return 0, net.ErrClosed
	case err != nil:
		return 0, err
	case eof:
		return 0, io.EOF
	case len(in) == 0:
		return 0, transport.ErrWouldBlock
	}
	return copy(p, in), nil
}

func (v virtual) Readable() bool { return v.s.readable() }

func (v virtual) TryWrite(p []byte) (int, error) {
	n, err := v.s.write(p)
	switch {
	case err == errClosed:
		return 0, net.ErrClosed
	case err == nil && n < len(p):
		return n, transport.ErrWouldBlock
	}
	return n, err
}

func (v virtual) CloseWrite() error {
	if v.s.noHalfClose {
		return errors.ErrUnsupported
	}
	v.s.closeWrite()
	return nil
}

func (v virtual) Close() error { v.s.close(); return nil }
func (v virtual) Abort() error { v.s.abort(); return nil }

// virtually makes a trial in a world of that seed.
func virtually(t *testing.T, link Link, seed uint64) *trial {
	w := newWorld(FromSeed(seed), nativeMachine)
	near, far := w.connectSockets("client", "server", link)
	conn := &Conn{w: w, sock: near}
	s := &trial{t: t, actor: virtual{near}, other: virtual{far}, isReset: func(err error) bool { return err == errReset }}
	s.lose = func() {
		if near.patience > 0 {
			conn.Lose(true)
			return
		}
		conn.Reset()
	}
	s.rest = func() {}
	s.pause = func() {
		for soon := w.now.Add(time.Second); w.next(soon); {
		}
	}
	s.await = func(is func() bool) bool {
		for !is() {
			if !w.next(clock.Latest) {
				return false
			}
		}
		return true
	}
	return s
}

var presets = []Link{TCP(), TLS(), HTTP2(), HTTP3(), QUICStream(), Pipe()}

// A part is who acts.
type part struct {
	carrier Carrier
	server  bool
}

func (p part) String() string {
	if p.server {
		return p.carrier.String() + " server"
	}
	return p.carrier.String() + " client"
}

// memory has what was found out once for all tests.
var memory = map[string][]outcome{}

// simulated returns all that may come of an ending in the simulator. It is not for
// several goroutines.
func (e *ending) simulated(t *testing.T, link Link, server bool) []outcome {
	key := fmt.Sprint(e.name, link.Carrier, server)
	all, ok := memory[key]
	if !ok {
		all = e.simulate(t, link, server)
		memory[key] = all
	}
	return all
}

func (e *ending) simulate(t *testing.T, link Link, server bool) (all []outcome) {
	if e.name == networkFails && link.Carrier == CarrierPipe {
		return nil
	}
	for seed := range uint64(40) {
		s := virtually(t, link, seed)
		if server {
			s.actor, s.other = s.other, s.actor
		}
		if o := e.play(s); !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b outcome) int { return strings.Compare(a.reads, b.reads) })
	return all
}

const tableHead = "| one end does | on | the other end reads | its later writes | the one end reads |"

// A reporter tells whether something was seen.
type reporter func(ending, who, reads string) bool

// carrierTable writes what comes of each ending on each carrier, as a table of
// docs/simulation.md. What seen reports is set in bold.
func carrierTable(t *testing.T, seen reporter) string {
	var b strings.Builder
	b.WriteString(tableHead + "\n| --- | --- | --- | --- | --- |\n")
	for i := range endings {
		e := &endings[i]
		for _, row := range e.rows(t) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", e.name, strings.Join(row.who, ", "), row.cell(e.name, seen), row.writes, row.ownReads)
		}
	}
	return b.String()
}

// A tableRow is who shares what comes of an ending.
type tableRow struct {
	who              []string
	reads            []string
	writes, ownReads string
}

func (r *tableRow) cell(name string, seen reporter) string {
	var list []string
	for _, reads := range r.reads {
		if r.saw(name, reads, seen) {
			reads = "**" + reads + "**"
		}
		list = append(list, reads)
	}
	return strings.Join(list, "; ")
}

func (r *tableRow) saw(name, reads string, seen reporter) bool {
	return slices.ContainsFunc(r.who, func(who string) bool { return seen(name, who, reads) })
}

// any reports whether seen reports anything of the row.
func (r *tableRow) any(name string, seen reporter) bool {
	return slices.ContainsFunc(r.reads, func(reads string) bool { return r.saw(name, reads, seen) })
}

func (e *ending) rows(t *testing.T) (rows []tableRow) {
	for _, link := range presets {
		client, server := e.simulated(t, link, false), e.simulated(t, link, true)
		name := link.Carrier.String()
		if slices.Equal(client, server) {
			rows = addRow(rows, name, client)
			continue
		}
		rows = addRow(rows, name+" client", client)
		rows = addRow(rows, name+" server", server)
	}
	return rows
}

func addRow(rows []tableRow, who string, all []outcome) []tableRow {
	if len(all) == 0 {
		return rows
	}
	row := tableRow{who: []string{who}, writes: all[0].writes, ownReads: all[0].ownReads}
	for _, o := range all {
		row.reads = append(row.reads, o.reads)
		if o.writes != row.writes || o.ownReads != row.ownReads {
			panic(fmt.Sprintf("%s: %v: the table has no room for two kinds of writes", who, all))
		}
	}
	for i := range rows {
		r := &rows[i]
		if slices.Equal(r.reads, row.reads) && r.writes == row.writes && r.ownReads == row.ownReads {
			r.who = append(r.who, who)
			return rows
		}
	}
	return append(rows, row)
}

// A carrierPage is docs/simulation.md, around its table of carriers.
type carrierPage struct{ before, table, after string }

const carrierPagePath = "../docs/simulation.md"

func readPage(t *testing.T) *carrierPage {
	t.Helper()
	text, err := os.ReadFile(carrierPagePath)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableHead)
	if !ok {
		t.Fatalf("%s has no line %q", carrierPagePath, tableHead)
	}
	table, after, _ := strings.Cut(rest, "\n\n")
	return &carrierPage{before, tableHead + table + "\n", "\n" + after}
}

// seen returns what the table has in bold.
func (p *carrierPage) seen() sightings {
	all := sightings{}
	for line := range strings.Lines(p.table) {
		cells := strings.Split(line, " | ")
		if len(cells) < 4 {
			continue
		}
		for who := range strings.SplitSeq(cells[1], ", ") {
			for reads := range strings.SplitSeq(cells[2], "; ") {
				if plain := strings.Trim(reads, "*"); plain != reads {
					all[sighting{strings.TrimPrefix(cells[0], "| "), who, plain}] = true
				}
			}
		}
	}
	return all
}

func (p *carrierPage) write(t *testing.T, table string) {
	t.Helper()
	if err := os.WriteFile(carrierPagePath, []byte(p.before+table+p.after), 0o666); err != nil {
		t.Fatal(err)
	}
}

// A sighting is something that was seen of a carrier, in a row of the table.
type sighting struct{ ending, who, reads string }

type sightings map[sighting]bool

func (s sightings) has(ending, who, reads string) bool { return s[sighting{ending, who, reads}] }

// The table of the page is what the simulator does.
func TestCarriersInTheDocs(t *testing.T) {
	page := readPage(t)
	if want := carrierTable(t, page.seen().has); page.table != want {
		t.Errorf("%s: the table differs (TestCarriers with -sim.rewrite writes it):\n%s", carrierPagePath, difference(page.table, want))
	}
}
