package chart_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets/sim/chart"
)

const (
	us = time.Microsecond
	ms = time.Millisecond
	s  = time.Second
)

func timers(list ...chart.Timer) []chart.Timer { return append([]chart.Timer{}, list...) }

func timer(name string, at time.Duration) chart.Timer { return chart.Timer{Name: name, At: at} }

// halfOpen is a server that does not notice that its client is gone.
func halfOpen() *chart.Chart {
	return &chart.Chart{
		Title: "A dead peer is noticed",
		Facts: []chart.Fact{
			{Name: "world", Value: "half-open"}, {Name: "seed", Value: "1729"}, {Name: "hash", Value: "9f86d081884c7d65"},
			{Name: "verdict", Value: "violated"}, {Name: "simulated", Value: "2m0s"},
		},
		Lanes: []chart.Lane{{Name: "ann", About: "client"}, {Name: "room", About: "server"}},
		Steps: []chart.Step{
			{At: 0, Lane: 0, Kind: chart.Call, Text: "dial ws://room/chat", State: "handshake", Timers: timers(timer("handshake", 10*s))},
			{At: 0, Lane: 0, Kind: chart.Send, To: 1, Arrival: 1250 * us, Text: `GET /chat HTTP/1.1 (161 bytes)`,
				Bytes: []byte("GET /chat HTTP/1.1\r\nHost: room\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")},
			{At: 1250 * us, Lane: 1, Kind: chart.Receive, Text: "161 bytes", State: "handshake", Timers: timers(timer("handshake", 10*s+1250*us))},
			{At: 1250 * us, Lane: 1, Kind: chart.Event, Text: "request for /chat"},
			{At: 1250 * us, Lane: 1, Kind: chart.Call, Text: "accept", State: "open", Timers: timers(timer("ping", 58*s+1250*us))},
			{At: 1250 * us, Lane: 1, Kind: chart.Send, To: 0, Arrival: 2500 * us, Text: `101 Switching Protocols (129 bytes)`, Bytes: []byte("HTTP/1.1 101 Switching Protocols\r\n\r\n")},
			{At: 2500 * us, Lane: 0, Kind: chart.Receive, Text: "129 bytes"},
			{At: 2500 * us, Lane: 0, Kind: chart.Event, Text: "open", State: "open", Timers: timers()},
			{At: 2500 * us, Lane: 0, Kind: chart.Send, To: 1, Arrival: 4*ms + 1, Text: `TEXT fin "grüße 👋" (12 bytes)`, Bytes: []byte("\x81\x8c\x37\xfa\x21\x3d\x50\x88\x9d\x81\xa8\x65\x9f\x44")},
			{At: 3 * ms, Lane: 1, Kind: chart.Send, To: 0, Arrival: 4250 * us, Text: `TEXT fin "welcome" (7 bytes)`, Bytes: []byte("\x81\x07welcome")},
			{At: 4*ms + 1, Lane: 1, Kind: chart.Receive, Text: "18 bytes"},
			{At: 4*ms + 1, Lane: 1, Kind: chart.Event, Text: `message, text, "grüße 👋"`},
			{At: 30 * s, Lane: chart.World, Kind: chart.Fault, Text: "ann>room and room>ann are cut: half-open", Until: 120 * s},
			{At: 58*s + 1250*us, Lane: 1, Kind: chart.Expiry, Text: "ping timer"},
			{At: 58*s + 1250*us, Lane: 1, Kind: chart.Send, To: 0, Arrival: chart.Lost, Text: `PING "" (0 bytes)`, Bytes: []byte{0x89, 0}, Timers: timers(timer("ping", 116*s+1250*us), timer("connection", 90*s))},
			{At: 90 * s, Lane: 1, Kind: chart.Note, Text: "the connection timer is overdue"},
			{At: 100 * s, Lane: chart.World, Kind: chart.Mark, Text: "a ping was lost"},
			{At: 116*s + 1250*us, Lane: 1, Kind: chart.Expiry, Text: "ping timer", Timers: timers(timer("connection", 90*s))},
			{At: 116*s + 1250*us, Lane: 1, Kind: chart.Send, To: 0, Arrival: 121 * s, Text: `PING "" (0 bytes)`, Bytes: []byte{0x89, 0}},
			{At: 120 * s, Lane: 1, Kind: chart.Violation, Text: "a dead peer is noticed within its timeout"},
		},
		Choices:   []string{"ann>room.half-open[3] = 1 of 8: the link goes dead at 30s", "room.drift[0] = 2 of 5: its clock is 200 ppm slow"},
		Violation: "room: the connection timer was due at 1m30s and had not fired at 2m0s: a dead peer is noticed within its timeout. The core armed it for 90 s, and did not report it as its deadline.",
	}
}

// short is a run that passed.
func short() *chart.Chart {
	return &chart.Chart{
		Title: "Both sides close at once",
		Facts: []chart.Fact{{Name: "seed", Value: "3"}},
		Lanes: []chart.Lane{{Name: "client"}, {Name: "server"}},
		Steps: []chart.Step{
			{At: 5 * s, Lane: 0, Kind: chart.Call, Text: "close 1000", State: "closing", Timers: timers(timer("close", 15*s))},
			{At: 5 * s, Lane: 0, Kind: chart.Send, To: 1, Arrival: 5*s + 2*ms, Text: "CLOSE 1000 (2 bytes)", Bytes: []byte{0x88, 0x82, 1, 2, 3, 4, 0x02, 0xea}},
			{At: 5*s + 1*ms, Lane: 1, Kind: chart.Call, Text: "close 1001", State: "closing", Timers: timers(timer("close", 15*s+1*ms))},
			{At: 5*s + 1*ms, Lane: 1, Kind: chart.Send, To: 0, Arrival: 5*s + 3*ms, Text: "CLOSE 1001 (2 bytes)", Bytes: []byte{0x88, 0x02, 0x03, 0xe9}},
			{At: 5*s + 2*ms, Lane: 1, Kind: chart.Receive, Text: "8 bytes"},
			{At: 5*s + 2*ms, Lane: 1, Kind: chart.Event, Text: "close 1000", State: "closed", Timers: timers()},
			{At: 5*s + 3*ms, Lane: 0, Kind: chart.Receive, Text: "4 bytes"},
			{At: 5*s + 3*ms, Lane: 0, Kind: chart.Event, Text: "close 1001", State: "closed", Timers: timers()},
		},
	}
}

// many is a long run of n steps on the given number of lanes.
func many(n, lanes int) *chart.Chart {
	r := rand.New(rand.NewPCG(1, 2))
	c := &chart.Chart{Title: "Many steps", Facts: []chart.Fact{{Name: "seed", Value: "7"}, {Name: "verdict", Value: "violated"}},
		Violation: "delivered is a prefix of sent: got 18 bytes that nobody sent"}
	names := []string{"room", "ann", "bob", "cy", "dora", "eve", "fred", "gina", "hal", "ida"}
	for i := range lanes {
		name := names[i%len(names)]
		if i >= len(names) {
			name += fmt.Sprint(i)
		}
		c.Lanes = append(c.Lanes, chart.Lane{Name: name, About: []string{"server", "client"}[min(i, 1)]})
	}
	at := time.Duration(0)
	states := []string{"handshake", "open", "open", "open", "closing", "closed"}
	ping := make([]time.Duration, lanes)
	for i := range n {
		if r.IntN(12) == 0 {
			at += time.Duration(r.IntN(15)) * s
		}
		at += time.Duration(r.IntN(900_000))
		lane := r.IntN(lanes)
		step := chart.Step{At: at, Lane: lane}
		if at >= ping[lane] {
			ping[lane] = at + 20*s
			step.Kind, step.Text = chart.Expiry, "ping timer"
			step.Timers = timers(timer("ping", ping[lane]), timer("connection", ping[lane]+30*s))
			c.Steps = append(c.Steps, step)
			continue
		}
		switch k := r.IntN(20); {
		case k < 9:
			size := r.IntN(80)
			step.Kind, step.To, step.Arrival = chart.Send, (lane+1+r.IntN(lanes-1))%lanes, at+time.Duration(r.IntN(3_000_000))
			step.Text = fmt.Sprintf("TEXT fin %q (%d bytes)", "message "+fmt.Sprint(i), size)
			step.Bytes = []byte(strings.Repeat("payload ", size))
			if r.IntN(12) == 0 {
				step.Arrival = chart.Lost
			}
		case k < 16:
			step.Kind, step.Text = chart.Event, fmt.Sprintf("message, text, %d bytes", r.IntN(80))
			step.State = states[min(i*len(states)/n, 5)]
		case k < 18:
			step.Kind, step.Text = chart.Call, "send"
		case k < 19 && i%7 == 0:
			step.Kind, step.Lane, step.Text, step.Until = chart.Fault, chart.World, "ann>room clogged for 4s", at+4*s
		default:
			step.Kind, step.Text = chart.Note, "nothing of note"
		}
		c.Steps = append(c.Steps, step)
	}
	c.Steps = append(c.Steps, chart.Step{At: at, Lane: 1, Kind: chart.Violation, Text: "delivered is a prefix of sent"})
	return c
}
