package quictest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/fb1e3c20/websockets"
)

var (
	rounds    = flag.Int("quic.rounds", 30, "rounds of BadNetworks")
	firstSeed = flag.Uint64("quic.seed", 1, "the seed of the first of them")
)

// Ends are the two ends of a carrier on QUIC, for one server and one client.
type Ends struct {
	// Serve serves s on a UDP address until the test ends. It is called first.
	Serve func(t testing.TB, s *websockets.Server, config *quicgo.Config) net.Addr

	// Dial opens a WebSocket, and returns an end of its connection.
	Dial func(t testing.TB, addr net.Addr, o *websockets.Options, config *quicgo.Config) (*websockets.Conn, *quicgo.Conn)

	// Aborted is what the errors of a stream match that the peer has aborted.
	Aborted error
}

// Moves has a client change its address in the middle of a conversation, which goes
// on.
func Moves(t *testing.T, ends *Ends) {
	server := websockets.Handle(echo, websockets.Strict())
	relay := NewRelay(t, ends.Serve(t, server, nil), 1)
	c, _ := ends.Dial(t, relay.Addr(), websockets.Strict(), nil)
	for range 3 {
		if err := c.Send(t.Context(), websockets.Binary, make([]byte, 100_000)); err != nil {
			t.Fatal(err)
		}
		if _, p, err := c.Receive(t.Context()); err != nil || len(p) != 100_000 {
			t.Fatalf("%d bytes, %v", len(p), err)
		}
		relay.Move()
	}
	if err := c.Close(websockets.NormalClosure, ""); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// BadNetworks has WebSockets closed, cut and forgotten over networks that lose,
// delay, reorder and go dark. Whatever happens, each side is told what it should be,
// in time. For more of them:
//
//	go test ./transport/quic -run BadNetworks -quic.rounds 1000
func BadNetworks(t *testing.T, ends func() *Ends) {
	const atOnce = 8
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range uint64(*rounds) {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			seed := *firstSeed + i
			name := scripts[seed%uint64(len(scripts))].name
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) { playRound(t, ends(), seed) })
		})
	}
	all.Wait()
}

// A script is what happens in a round.
type script struct {
	name    string
	options func(*websockets.Options) // changes those of both sides
	config  func(*quicgo.Config)      // likewise
	play    func(*round)
}

// A round is one network, one server and one client of it.
type round struct {
	*testing.T
	ends   *Ends
	rnd    *rand.Rand
	net    *Relay
	usual  Faults       // of the network while it is not dark
	conn   *quicgo.Conn // one end
	client *websockets.Conn
	code   websockets.CloseCode // for who closes

	accepted chan *websockets.Conn
	served   chan error // how the connection ended for the server
}

func playRound(t *testing.T, ends *Ends, seed uint64) {
	s := scripts[seed%uint64(len(scripts))]
	rnd := rand.New(rand.NewPCG(seed, 0))
	options, config := websockets.Strict(), &quicgo.Config{}
	s.options(options)
	s.config(config)
	r := &round{
		T:        t,
		ends:     ends,
		rnd:      rnd,
		usual:    Faults{Loss: 0.1 * rnd.Float64(), Delay: time.Duration(rnd.IntN(10)) * time.Millisecond},
		code:     websockets.CloseCode(4000 + rnd.IntN(1000)),
		accepted: make(chan *websockets.Conn, 1),
		served:   make(chan error, 1),
	}
	server := websockets.Handle(r.serve, options)
	r.net = NewRelay(t, ends.Serve(t, server, config), seed)
	r.net.Set(r.usual)
	r.client, r.conn = ends.Dial(t, r.net.Addr(), options, config)
	Within(t, "the round", func() { s.play(r) })
	r.client.CloseNow()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// serve echoes; a text asks to be closed with the code of the round.
func (r *round) serve(ctx context.Context, c *websockets.Conn) (err error) {
	r.accepted <- c
	defer func() { r.served <- err }()
	for {
		typ, p, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		if typ == websockets.Text {
			return c.Close(r.code, "as you wish")
		}
		if err := c.Send(ctx, typ, p); err != nil {
			return err
		}
	}
}

// talk exchanges some messages.
func (r *round) talk() {
	for range 1 + r.rnd.IntN(5) {
		want := make([]byte, r.rnd.IntN(20_000))
		for i := range want {
			want[i] = byte(r.rnd.Uint32())
		}
		if err := r.client.Send(r.Context(), websockets.Binary, want); err != nil {
			r.Errorf("Send: %v", err)
			return
		}
		_, got, err := r.client.Receive(r.Context())
		if err != nil || !bytes.Equal(got, want) {
			r.Errorf("%d bytes came back as %d, %v", len(want), len(got), err)
			return
		}
	}
}

func (r *round) darken() { r.net.Set(Faults{Dark: true}) }

// slack is how late things may be on a busy machine.
const slack = 5 * time.Second

// took fails the round when what began at start did not end when it should.
func (r *round) took(what string, start time.Time, atLeast, atMost time.Duration) {
	if d := time.Since(start); d < atLeast || d > atMost+slack {
		r.Errorf("%s took %v; want %v to %v", what, d, atLeast, atMost)
	}
}

// probes is the shortest time in which quic-go takes a peer for dead: thrice its
// probe timeout, which grows with a machine that is busy.
func (r *round) probes() time.Duration {
	s := r.conn.ConnectionStats()
	return 3 * (s.SmoothedRTT + 4*s.MeanDeviation + 25*time.Millisecond)
}

// receiveEnd waits for how the connection ends for the client.
func (r *round) receiveEnd() error {
	for {
		if _, _, err := r.client.Receive(r.Context()); err != nil {
			return err
		}
	}
}

const (
	silence = time.Second // after which a peer is taken for dead, where a round is about that
	never   = -1
)

func patient(*websockets.Options) {}

func isIdleTimeout(err error) bool {
	_, ok := errors.AsType[*quicgo.IdleTimeoutError](err)
	return ok && errors.Is(err, websockets.ErrLost)
}

func isConnectionTimeout(err error) bool { return errors.Is(err, websockets.ErrConnectionTimeout) }

var scripts = []script{
	{"TheClientCloses", patient, func(*quicgo.Config) {}, func(r *round) {
		r.talk()
		if err := r.client.Close(r.code, "enough"); err != nil {
			r.Errorf("Close: %v", err)
		}
		if err := <-r.served; websockets.CloseStatus(err) != r.code {
			r.Errorf("the server was told %v; want %d", err, r.code)
		}
	}},
	{"TheServerCloses", patient, func(*quicgo.Config) {}, func(r *round) {
		r.talk()
		r.client.Send(r.Context(), websockets.Text, nil)
		if err := r.receiveEnd(); websockets.CloseStatus(err) != r.code {
			r.Errorf("the client was told %v; want %d", err, r.code)
		}
		if err := <-r.served; err != nil {
			r.Errorf("the server's Close: %v", err)
		}
	}},
	{"TheClientIsCut", patient, func(*quicgo.Config) {}, func(r *round) {
		r.talk()
		r.client.CloseNow()
		if err := <-r.served; !errors.Is(err, websockets.ErrLost) || !errors.Is(err, r.ends.Aborted) {
			r.Errorf("the server was told %v; want ErrLost and ErrAborted", err)
		}
	}},
	{"DarkForAWhile", patient, func(*quicgo.Config) {}, func(r *round) {
		r.talk()
		r.darken()
		time.Sleep(time.Duration(r.rnd.Int64N(int64(silence / 2))))
		r.net.Set(r.usual)
		r.talk()
		if err := r.client.Close(r.code, ""); err != nil {
			r.Errorf("Close: %v", err)
		}
		if err := <-r.served; websockets.CloseStatus(err) != r.code {
			r.Errorf("the server was told %v; want %d", err, r.code)
		}
	}},
	{
		"DarkForWebSocketFirst",
		func(o *websockets.Options) {
			o.PingInterval, o.ConnectionTimeout, o.CloseTimeout = silence/4, silence, silence
		},
		func(*quicgo.Config) {},
		func(r *round) { r.goDark(isConnectionTimeout) },
	},
	{
		"DarkForQUICFirst",
		func(o *websockets.Options) { o.PingInterval, o.ConnectionTimeout = never, never },
		func(c *quicgo.Config) { c.MaxIdleTimeout, c.KeepAlivePeriod = silence, silence/4 },
		func(r *round) { r.goDark(isIdleTimeout) },
	},
	{
		"CloseInTheDark",
		func(o *websockets.Options) { o.CloseTimeout = silence },
		func(*quicgo.Config) {},
		func(r *round) {
			r.talk()
			r.darken()
			start := time.Now()
			if err := r.client.Close(r.code, ""); !errors.Is(err, websockets.ErrCloseTimeout) {
				r.Errorf("Close: %v; want ErrCloseTimeout", err)
			}
			r.took("Close", start, silence*9/10, silence)
			server := <-r.accepted
			start = time.Now()
			if err := server.Close(r.code, ""); !errors.Is(err, websockets.ErrCloseTimeout) {
				r.Errorf("the server's Close: %v; want ErrCloseTimeout", err)
			}
			r.took("the server's Close", start, silence*9/10, silence)
		},
	},
}

// goDark expects both sides to notice that the other one is gone.
func (r *round) goDark(right func(error) bool) {
	r.usual = Faults{}
	r.net.Set(r.usual) // a lost packet would look like silence
	r.talk()
	r.darken()
	start := time.Now()
	atLeast, atMost := silence/2, max(silence, r.probes()) // the last sign of life came before
	if err := r.receiveEnd(); !right(err) {
		r.Errorf("the client was told %v", err)
	}
	r.took("noticing", start, atLeast, atMost)
	if err := <-r.served; !right(err) {
		r.Errorf("the server was told %v", err)
	}
	r.took("noticing on both sides", start, atLeast, atMost)
}
