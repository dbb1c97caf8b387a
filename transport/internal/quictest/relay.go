// Package quictest has what the tests of carriers on QUIC share.
package quictest

import (
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// A Relay is a bad network between clients and a server: what happens to each
// packet is drawn from a seed.
type Relay struct {
	server *net.UDPAddr
	front  *net.UDPConn // that clients send to
	all    sync.WaitGroup

	mu     sync.Mutex
	rnd    *rand.Rand
	faults Faults
	backs  map[string]*net.UDPConn // to the server, of each client
	closed bool
}

// Faults are what a relay does to packets.
type Faults struct {
	Loss  float64       // of this part of them
	Delay time.Duration // at most, so that they overtake each other
	Dark  bool          // nothing passes
}

// NewRelay returns a relay to server that is gone when the test ends.
func NewRelay(t testing.TB, server net.Addr, seed uint64) *Relay {
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{
		server: server.(*net.UDPAddr),
		front:  front,
		rnd:    rand.New(rand.NewPCG(seed, 1)),
		backs:  make(map[string]*net.UDPConn),
	}
	r.all.Go(r.forward)
	t.Cleanup(r.close)
	return r
}

// Addr returns the address that clients send to.
func (r *Relay) Addr() net.Addr { return r.front.LocalAddr() }

// Set changes what happens to packets from now on.
func (r *Relay) Set(f Faults) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = f
}

// forward takes packets of clients to the server.
func (r *Relay) forward() {
	buf := make([]byte, 2048)
	for {
		n, from, err := r.front.ReadFromUDP(buf)
		if err != nil {
			return
		}
		if back := r.back(from); back != nil {
			r.pass(buf[:n], func(p []byte) { back.Write(p) })
		}
	}
}

// back returns the socket that stands for a client.
func (r *Relay) back(client *net.UDPAddr) *net.UDPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.backs[client.String()]; c != nil || r.closed {
		return c
	}
	c, err := net.DialUDP("udp4", nil, r.server)
	if err != nil {
		return nil
	}
	r.backs[client.String()] = c
	r.all.Go(func() { r.backward(c, client) })
	return c
}

// backward takes packets of the server to a client.
func (r *Relay) backward(from *net.UDPConn, client *net.UDPAddr) {
	buf := make([]byte, 2048)
	for {
		n, err := from.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil { // or the server's port is closed, for now
			r.pass(buf[:n], func(p []byte) { r.front.WriteToUDP(p, client) })
		}
	}
}

// pass sends a packet on, now or later, or does not.
func (r *Relay) pass(p []byte, send func([]byte)) {
	r.mu.Lock()
	f := r.faults
	lost := f.Dark || r.rnd.Float64() < f.Loss
	var delay time.Duration
	if f.Delay > 0 {
		delay = time.Duration(r.rnd.Int64N(int64(f.Delay)))
	}
	r.mu.Unlock()
	switch {
	case lost:
	case delay == 0:
		send(p)
	default:
		p = append([]byte(nil), p...)
		time.AfterFunc(delay, func() { send(p) })
	}
}

// Move has every client come from another address from now on, as when a phone
// changes networks.
func (r *Relay) Move() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.backs {
		c.Close()
	}
	clear(r.backs)
}

func (r *Relay) close() {
	r.mu.Lock()
	r.closed = true
	r.front.Close()
	for _, c := range r.backs {
		c.Close()
	}
	r.mu.Unlock()
	r.all.Wait()
}
