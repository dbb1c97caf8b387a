package wasm_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/clock"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// A talker is a twin that talks to another one.
type talker struct {
	*twin
	t    *testing.T
	rnd  *rand.Rand
	wire []byte // what is on its way to it
	got  []string
	join core.Assembler
}

func newTalker(t *testing.T, rnd *rand.Rand, b flight.Birth, z *core.Compression) *talker {
	t.Helper()
	b.Settings = settings(t, core.Config{Compression: z, Pings: core.PingAnswer, Entropy: rnd.Uint32})
	m, err := newTwin(host(t), b, func(d string) { t.Fatalf("%v: %s", b.Role, d) })
	if err != nil {
		t.Fatal(err)
	}
	return &talker{twin: m, t: t, rnd: rnd}
}

// say sends what AppendMessage and the like have returned.
func (k *talker) say(to *talker, out []byte, err error) {
	if err != nil {
		k.t.Fatal(err)
	}
	to.wire = append(to.wire, out...)
	k.Wrote(0, len(out))
}

// listen takes some of what is on its way, and answers.
func (k *talker) listen(now clock.Time, to *talker) {
	in := k.wire[:min(len(k.wire), 1+k.rnd.IntN(3000))]
	size := len(in)
	scratch := make([]byte, core.ScratchSize+1+k.rnd.IntN(70_000))
	for {
		n, ev := k.Recv(now, in, scratch)
		in = in[n:]
		if ev.Kind == core.EventRequest {
			if err := k.Accept(now, core.AcceptOptions{}); err != nil {
				k.t.Fatal(err)
			}
		}
		if m, ok := k.join.Add(ev); ok {
			k.got = append(k.got, string(m.Data))
		}
		k.say(to, k.AppendOutput(nil), nil)
		if ev.Kind == core.EventNone {
			k.wire = k.wire[size:]
			return
		}
	}
}

// text returns one that can be compressed more or less.
func (k *talker) text() string {
	var b strings.Builder
	for range k.rnd.IntN(1 << k.rnd.IntN(12)) {
		fmt.Fprintf(&b, "word %d and ", k.rnd.IntN(1<<k.rnd.IntN(20)))
	}
	return b.String()
}

// talk sends a message, whole, in fragments or compressed before, or a ping.
func (k *talker) talk(to *talker) (message string, sent bool) {
	p := k.text()
	switch k.rnd.IntN(6) {
	case 0:
		out, err := k.AppendPing(nil, []byte(p[:min(len(p), 125)]))
		k.say(to, out, err)
		return "", false
	case 1, 2:
		for i, rest := 0, p; ; i++ {
			n := k.rnd.IntN(len(rest) + 1)
			fin := k.rnd.IntN(3) == 0
			if fin {
				n = len(rest)
			}
			out, err := k.AppendFragment(nil, [...]frame.Opcode{frame.Text, frame.Continuation}[min(i, 1)], []byte(rest[:n]), fin)
			k.say(to, out, err)
			if rest = rest[n:]; fin {
				return p, true
			}
		}
	case 3:
		if agreed, ok := k.Compression(); ok {
			d := pool.Deflater(agreed.SendBits, 1)
			compressed := bytes.Clone(d.Deflate(nil, []byte(p), true))
			pool.ReturnDeflater(agreed.SendBits, 1, d)
			out, err := k.AppendCompressed(nil, frame.Text, []byte(p), compressed)
			k.say(to, out, err)
			return p, true
		}
	}
	out, err := k.AppendMessage(nil, frame.Text, []byte(p))
	k.say(to, out, err)
	return p, true
}

func policy(rnd *rand.Rand) *core.Compression {
	if rnd.IntN(8) == 0 {
		return nil
	}
	return &core.Compression{
		SendWindowBits: 8 + rnd.IntN(8), ReceiveWindowBits: 8 + rnd.IntN(8),
		NoSendTakeover: rnd.IntN(3) == 0, NoReceiveTakeover: rnd.IntN(3) == 0,
		Level: rnd.IntN(10), Threshold: rnd.IntN(3)*100 - 1, Lend: &pool,
	}
}

// A client and a server in WebAssembly shake hands and talk, whatever each wants of
// compression, and each does what the native core does, call for call and to the bit.
func TestTwinsTalk(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		client := newTalker(t, rnd, flight.Birth{Role: core.Client, Request: core.RequestOptions{Host: "a"}}, policy(rnd))
		server := newTalker(t, rnd, flight.Birth{}, policy(rnd))
		client.say(server, client.AppendOutput(nil), nil)
		for now := clock.Time(0); !client.Conn.Open() || !server.Conn.Open(); now++ {
			server.listen(now, client)
			client.listen(now, server)
		}
		var said [2][]string
		for i := range 60 {
			now := clock.Time(1000 + i)
			for j, k := range []*talker{client, server} {
				to := []*talker{server, client}[j]
				if m, ok := k.talk(to); ok {
					said[j] = append(said[j], m)
				}
				k.listen(now, to)
			}
		}
		for len(client.wire)+len(server.wire) > 0 {
			client.listen(2000, server)
			server.listen(2000, client)
		}
		if !equal(server.got, said[0]) || !equal(client.got, said[1]) {
			t.Errorf("seed %d: %d of %d and %d of %d messages came as they were", seed, len(server.got), len(said[0]), len(client.got), len(said[1]))
		}
		client.Release()
		server.Release()
	}
}

func equal(a, b []string) bool {
	return strings.Join(a, "\n") == strings.Join(b, "\n") && len(a) == len(b)
}
