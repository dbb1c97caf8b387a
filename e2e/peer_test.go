//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// An implementation is a WebSocket peer of other people's making, run by a
// script in peers/.
type implementation struct {
	name    string
	command []string
	pings   bool // it can send pings, and shows the pings that it receives
}

const python = "/usr/bin/python3" // Debian's own, which has Debian's packages

var (
	chromium         = implementation{"chromium", []string{"node", "peers/chromium.mjs"}, false}
	npmWS            = implementation{"npm-ws", []string{"node", "peers/npm-ws.mjs"}, true}
	npmUndici        = implementation{"npm-undici", []string{"node", "peers/npm-undici.mjs"}, true}
	pythonWebsockets = implementation{"python-websockets", []string{python, "peers/python-websockets.py"}, true}
	npmDeno          = implementation{"npm-deno", []string{"peers/node_modules/.bin/deno", "run", "--quiet", "--no-config", "--no-lock",
		"--allow-all", "--unsafely-ignore-certificate-errors", "peers/npm-deno.mjs"}, false} // speaks HTTP/2 only
	pythonAiohttp   = implementation{"python-aiohttp", []string{python, "peers/python-aiohttp.py"}, true}
	pythonHypercorn = implementation{"python-hypercorn", []string{python, "peers/python-hypercorn.py"}, false}

	foreignClients = []implementation{chromium, npmWS, npmUndici, pythonWebsockets, pythonAiohttp}
	foreignServers = []implementation{npmWS, pythonWebsockets, pythonAiohttp}
)

// An end is one side of a connection: a foreign peer, or ours.
type end interface {
	send(kind string, data []byte) // kind is text, binary or ping
	close(code int, reason string)
	next() event
}

// An event is something that happened at an end. Its kind is open, text,
// binary, ping, pong or close; listening, when a server has begun.
type event struct {
	Kind   string
	Data   []byte
	Code   int
	Reason string
	Port   int

	Protocol string // the subprotocol, where a client tells it
	Version  string // of HTTP, where a server tells it
}

func (e event) String() string {
	if e.Kind == "close" {
		return fmt.Sprintf("close %d %q", e.Code, e.Reason)
	}
	return fmt.Sprintf("%s of %d bytes %.40q", e.Kind, len(e.Data), e.Data)
}

// with is the implementation with more arguments behind its command.
func (i implementation) with(args ...string) implementation {
	i.command = slices.Concat(i.command, args)
	return i
}

// A peer is an implementation at work.
type peer struct {
	*process
}

// connect makes the implementation a client of a URL and waits until it is open.
func (i implementation) connect(t *testing.T, url string, args ...string) peer {
	t.Helper()
	p := i.try(t, url, args...)
	want(t, p, event{Kind: "open"})
	return p
}

// try is connect for a server that may refuse.
func (i implementation) try(t *testing.T, url string, args ...string) peer {
	t.Helper()
	return i.start(t, append([]string{"client", url}, args...)...)
}

// listen makes the implementation a server and returns its HOST:PORT.
func (i implementation) listen(t *testing.T, args ...string) (peer, string) {
	t.Helper()
	p := i.start(t, append([]string{"server"}, args...)...)
	e := p.next()
	if e.Kind != "listening" {
		t.Fatalf("%s: %v, not listening", i.name, e)
	}
	return p, fmt.Sprintf("127.0.0.1:%d", e.Port)
}

func (i implementation) start(t *testing.T, args ...string) peer {
	t.Helper()
	return peer{start(t, i.command[0], append(i.command[1:len(i.command):len(i.command)], args...)...)}
}

func (p peer) send(kind string, data []byte) {
	p.t.Helper()
	p.do(map[string]any{"do": kind, "data": data})
}

func (p peer) close(code int, reason string) {
	p.t.Helper()
	p.do(map[string]any{"do": "close", "code": code, "reason": reason})
}

func (p peer) do(what map[string]any) {
	p.t.Helper()
	line, err := json.Marshal(what)
	if err != nil {
		p.t.Fatal(err)
	}
	p.say(string(line))
}

func (p peer) next() event {
	p.t.Helper()
	var e event
	line := p.line()
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		p.t.Fatalf("%s: %v in %q", p.name(), err, line)
	}
	return e
}

// want checks the next event of an end.
func want(t *testing.T, at end, e event) {
	t.Helper()
	got := at.next()
	if got.Kind != e.Kind || !bytes.Equal(got.Data, e.Data) || got.Code != e.Code || got.Reason != e.Reason {
		t.Fatalf("%s: got %v, want %v", name(at), got, e)
	}
}

// wantClose checks that the next event of an end is a close with the code,
// whatever the reason: an answer to a close need not repeat it.
func wantClose(t *testing.T, at end, code int) {
	t.Helper()
	if got := at.next(); got.Kind != "close" || got.Code != code {
		t.Fatalf("%s: got %v, want close %d", name(at), got, code)
	}
}

// await skips events up to one of a kind that holds a text.
func await(t *testing.T, at end, kind, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if e := at.next(); e.Kind == kind && strings.Contains(string(e.Data), text) {
			return
		}
	}
	t.Fatalf("%s: no %s with %q", name(at), kind, text)
}

func name(at end) string {
	if n, ok := at.(interface{ name() string }); ok {
		return n.name()
	}
	return fmt.Sprintf("%T", at)
}

// sizes are those where the encoding of a frame's length changes (RFC 6455
// section 5.2), and one just below the default limit of 1 MiB.
var sizes = []int{0, 1, 125, 126, 65535, 65536, 1<<20 - 1}

// payload makes n bytes for a message: noise, or text with characters of every
// length in UTF-8.
func payload(kind string, n int) []byte {
	if kind == "text" {
		const letters = "aé€😀"
		return []byte(strings.Repeat(letters, n/len(letters)) + strings.Repeat("x", n%len(letters)))
	}
	data := make([]byte, n)
	noise := rand.New(rand.NewPCG(uint64(n), 0))
	for i := range data {
		data[i] = byte(noise.Uint32())
	}
	return data
}

// echoes sends messages of every kind and size to something that returns them.
func echoes(t *testing.T, at end) {
	t.Helper()
	for _, kind := range []string{"text", "binary"} {
		for _, n := range sizes {
			data := payload(kind, n)
			at.send(kind, data)
			want(t, at, event{Kind: kind, Data: data})
		}
	}
}

// converse sends messages of every size both ways.
func converse(t *testing.T, a, b end, kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		for _, n := range sizes {
			data := payload(kind, n)
			a.send(kind, data)
			want(t, b, event{Kind: kind, Data: data})
			b.send(kind, data)
			want(t, a, event{Kind: kind, Data: data})
		}
	}
}

// idle checks that nothing happens at an end for a while.
func idle(t *testing.T, p peer) {
	t.Helper()
	select {
	case line := <-p.out:
		t.Fatalf("%s: got %s while idle", p.name(), line)
	case <-time.After(2500 * time.Millisecond):
	}
}
