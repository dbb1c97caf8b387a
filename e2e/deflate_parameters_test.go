//go:build e2e

package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/fb1e3c20/websockets"
)

var allParameters = flag.Bool("deflate.all", false, "try every combination of the parameters of permessage-deflate, not every thirteenth")

// parameters are those of permessage-deflate, as a peer takes them in JSON
// (https://www.rfc-editor.org/rfc/rfc7692#section-7.1).
type parameters struct {
	ServerNoContextTakeover bool `json:"server_no_context_takeover,omitempty"`
	ClientNoContextTakeover bool `json:"client_no_context_takeover,omitempty"`
	ServerMaxWindowBits     int  `json:"server_max_window_bits,omitempty"`
	ClientMaxWindowBits     any  `json:"client_max_window_bits,omitempty"` // true: the parameter without a value
}

func (p parameters) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// combinations are those of what peers on zlib support: its least window has 9 bits. A
// server has no parameter without a value.
func combinations(server bool) (list []parameters) {
	clientBits := []any{nil, true, 9, 15}
	if server {
		clientBits[1] = 12
	}
	n := 0
	for _, serverBits := range []int{0, 9, 12, 15} {
		for _, bits := range clientBits {
			for i := range 4 {
				if n++; *allParameters || n%13 == 1 {
					list = append(list, parameters{i&1 != 0, i&2 != 0, serverBits, bits})
				}
			}
		}
	}
	return list
}

// policies are ours, one after the other.
var policies = []websockets.Compression{
	{},
	{SendWindowBits: 15, ReceiveWindowBits: 15, Threshold: -1},
	{NoSendTakeover: true, NoReceiveTakeover: true},
	{SendWindowBits: 9, ReceiveWindowBits: 9},
	{SendWindowBits: 15, ReceiveWindowBits: 15, NoReceiveTakeover: true, Level: 9},
}

// compressing returns Strict options with a policy.
func compressing(policy *websockets.Compression) *websockets.Options {
	o := websockets.Strict()
	o.Compression = policy
	return o
}

// echoed is text that comes again and again, at every distance up to one of n bytes: if
// a window is too small for what was sent, its owner notices.
func echoed(n int) []byte {
	p := []byte{}
	words := rand.New(rand.NewPCG(uint64(n), 1))
	for distance := 40; len(p) < n; distance += 1 + distance/3 {
		p = fmt.Appendf(p, "%x", words.Uint64())
		p = append(p, p[max(0, len(p)-distance):]...)
		distance %= 40_000
	}
	return p[:n]
}

// converseCompressed sends messages from 0 B to 1 MiB both ways, each twice, and looks
// at the bytes that they took. Some peers do not compress what they send.
func converseCompressed(t *testing.T, ours library, theirs peer, compresses bool) {
	t.Helper()
	if !ours.conn.Compressed() {
		t.Fatal("nothing is compressed")
	}
	for _, n := range []int{0, 1, 100, 5000, 65536, 1 << 20} {
		for kind, p := range map[string][]byte{"text": echoed(n), "binary": payload("binary", n)} {
			for range 2 {
				ours.send(kind, p)
				want(t, theirs, event{Kind: kind, Data: p})
				theirs.send(kind, p)
				want(t, ours, event{Kind: kind, Data: p})
			}
		}
	}
	s := ours.conn.Stats()
	if s.PayloadSent-s.BytesSent < 1<<20 || compresses && s.PayloadReceived-s.BytesReceived < 1<<20 {
		t.Errorf("little is saved: %+v", s)
	}
}

// Foreign clients offer every combination that they can, and a server of every policy
// understands them, and they it.
func TestParametersOfClients(t *testing.T) {
	var policy atomic.Pointer[websockets.Compression]
	url, accepted := serving(t, func() *websockets.Options { return compressing(policy.Load()) })
	for _, i := range []implementation{npmWS, pythonWebsockets} {
		for n, p := range combinations(false) {
			t.Run(i.name+p.String(), func(t *testing.T) {
				policy.Store(&policies[n%len(policies)])
				theirs := i.connect(t, url, p.String())
				c := <-accepted
				defer c.CloseNow()
				converseCompressed(t, library{t, c}, theirs, true)
			})
		}
	}
}

// Foreign servers answer as each combination wants, and a client of every policy
// understands them, and they it.
func TestParametersOfServers(t *testing.T) {
	for _, i := range []implementation{npmWS, pythonWebsockets} {
		for n, p := range combinations(true) {
			t.Run(i.name+p.String(), func(t *testing.T) {
				theirs, host := i.listen(t, p.String())
				c, err := websockets.Dial(library{t: t}.context(), "ws://"+host, compressing(&policies[n%len(policies)]))
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseNow()
				want(t, theirs, event{Kind: "open"})
				converseCompressed(t, library{t, c}, theirs, true)
			})
		}
	}
}

// Some clients offer one combination only.
func TestParametersOfOthers(t *testing.T) {
	for n := range policies {
		url, accepted := serving(t, func() *websockets.Options { return compressing(&policies[n]) })
		for _, i := range []implementation{chromium, npmUndici} {
			t.Run(fmt.Sprintf("%s, policy %d", i.name, n), func(t *testing.T) {
				theirs := i.connect(t, url)
				c := <-accepted
				defer c.CloseNow()
				converseCompressed(t, library{t, c}, theirs, i.name != npmUndici.name)
			})
		}
	}
}
