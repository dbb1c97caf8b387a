package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/fb1e3c20/websockets/bench/payload"
	"github.com/fb1e3c20/websockets/bench/peers"
	"github.com/fb1e3c20/websockets/bench/raw"
)

// growth measures how costs grow: with connections, with the size of messages, ASCII
// and not, and with the members of a broadcast.
func growth(p *plan, out io.Writer) error {
	for _, l := range p.growing() {
		results, err := l.measure(l.loads)
		if why := limit(""); errors.As(err, &why) && len(results) > 0 {
			l.cut(len(results), why)
		} else if err != nil {
			return err
		}
		if err := p.printLine(l, results, out); err != nil {
			return err
		}
	}
	return nil
}

func growthTakes(p *plan) time.Duration {
	total := 3 * time.Second
	for _, l := range p.growing() {
		for _, load := range l.loads {
			one := p.turn() + time.Duration(load.connections)*250*time.Microsecond + time.Duration(load.set.Size())*10*time.Nanosecond
			total += one * time.Duration(p.rounds*p.count(uncompressed))
		}
	}
	return total
}

// A line is loads of which only one thing grows.
type line struct {
	title, grows string
	end          string // why it is no longer, "" if it is all
	file         string // of its picture
	loads        []*load
	at           []int // the thing
	label        func(int) string
	measure      func(loads []*load) ([]*result, error)
}

func growthLines(p *plan) []*line {
	return []*line{
		connectionsLine(p),
		sizesLine(p, "ASCII text", "ascii", payload.Text),
		sizesLine(p, "text of other characters", "foreign", payload.Foreign),
		membersLine(p),
	}
}

// growing returns those lines that are to be measured.
func (p *plan) growing() []*line {
	return slices.DeleteFunc(growthLines(p), func(l *line) bool { return !p.only.MatchString(l.title) })
}

// titles returns those of all lines.
func titles(p *plan) (list []string) {
	for _, l := range growthLines(p) {
		list = append(list, l.title)
	}
	return list
}

// tens are 1, 10, and so on.
func tens(most int) (list []int) {
	for n := 1; n <= most; n *= 10 {
		list = append(list, n)
	}
	return list
}

// cut ends the line behind so many points.
func (l *line) cut(points int, why limit) {
	l.at = l.at[:points]
	l.end = fmt.Sprintf(" (no more than %s: %v)", l.label(l.at[points-1]), why)
}

func connectionsLine(p *plan) *line {
	title := fmt.Sprintf("Growing number of connections, %d a process at most, 16 bytes", p.perServer())
	l := &line{title: title, grows: "connections", file: "growth-connections", at: tens(p.atMost(100_000)), label: plainNumber, measure: p.measureLoads}
	set := payload.Binary(16)
	for _, n := range l.at {
		l.loads = append(l.loads, &load{set, n, 1})
	}
	return l
}

func sizesLine(p *plan, kind, file string, of func(n int) *payload.Set) *line {
	l := &line{title: "Growing messages, " + kind + ", one connection", grows: "size", file: "growth-size-" + file, label: size, measure: p.measureLoads}
	for n := 16; n <= 16<<20; n *= 16 {
		l.at = append(l.at, n)
		l.loads = append(l.loads, &load{of(n), 1, 1})
	}
	return l
}

// membersLine is of messages that one member sends to all others, which one process
// has: each member that receives one counts.
func membersLine(p *plan) *line {
	l := &line{title: "Growing number of members of a broadcast, in one process, 128 bytes", grows: "members", file: "growth-broadcast", at: tens(min(p.atMost(10_000), p.perProcess)), label: plainNumber, measure: p.measureBroadcasts}
	set := payload.Text(128)
	for _, n := range l.at {
		l.loads = append(l.loads, &load{set, n, 1})
	}
	return l
}

func plainNumber(n int) string { return fmt.Sprint(n) }

// printLine prints a table with a row for each peer, and draws it.
func (p *plan) printLine(l *line, results []*result, out io.Writer) error {
	t := &table{title: l.title + l.end + ": CPU of the server, us a message (in brackets: of " + base + ")", header: []string{"server"}}
	drawing := &lines{title: l.title, up: "CPU of the server, us a message", across: l.grows}
	for _, n := range l.at {
		t.header = append(t.header, l.label(n))
		drawing.at = append(drawing.at, point{float64(n), l.label(n)})
	}
	for _, c := range results[0].costs {
		row, values := []any{c.peer}, []float64(nil)
		for _, r := range results {
			row = append(row, r.cell(c.peer))
			values = append(values, float64(r.of(c.peer).cpu())/1e3)
		}
		t.add(row...)
		drawing.curves = append(drawing.curves, curve{c.peer, hueOf(c.peer), values})
	}
	if err := t.print(out, p.markdown); err != nil {
		return err
	}
	return p.draw(l.file, drawing)
}

// measureBroadcasts has one member send messages to all, in turn on each server that
// can broadcast.
func (p *plan) measureBroadcasts(loads []*load) (results []*result, err error) {
	var servers []*server
	defer func() { stop(servers) }()
	for _, peer := range p.peers {
		if peer.Broadcast == nil || !peer.Has(uncompressed) {
			continue
		}
		s, err := start(&job{peer: peer, mode: uncompressed, kind: kindBroadcast})
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("none of these peers broadcasts")
	}
	for _, l := range loads {
		stream, err := raw.NewStream(l.set, uncompressed, false)
		if err != nil {
			return nil, err
		}
		r := newResult(count(l.connections, "member"), "a message to one of them", servers)
		done := p.note("broadcast, %s, %d servers, %d rounds", r.title, len(servers), p.rounds)
		err = p.turns(servers, func(i int) error {
			return r.costs[i].add(measureBroadcast(servers[i], stream, l.connections, p.time))
		})
		if err != nil {
			return nil, err
		}
		done()
		results = append(results, r)
	}
	return results, nil
}

// measureBroadcast has one connection send to so many for about so long.
func measureBroadcast(s *server, stream *raw.Stream, members int, long time.Duration) (sample, error) {
	fleet, err := raw.NewFleet(s.target(), stream, members, 1)
	if err != nil {
		return sample{}, s.failed(err)
	}
	defer fleet.Close()
	if err := fleet.Expect(peers.Greeting); err != nil {
		return sample{}, s.failed(err)
	}
	warmup, began := max(int(long/(150*time.Microsecond))/members, 1), time.Now()
	if _, err := fleet.Broadcast(warmup); err != nil {
		return sample{}, s.failed(err)
	}
	messages := int(float64(warmup)*long.Seconds()/time.Since(began).Seconds()) + 1
	return s.spent(func() (int, error) {
		tally, err := fleet.Broadcast(messages)
		return tally.Messages, s.failed(err)
	})
}
