package http2_test

import (
	"testing"
	"time"

	h2 "golang.org/x/net/http2"

	"github.com/fb1e3c20/websockets/transport"
)

// echo sends back all DATA, and gives back 32 KiB of windows at a time.
func (p *peer) echo() {
	p.SetReuseFrames()
	owed := 0
	for {
		f, err := p.ReadFrame()
		if err != nil {
			return
		}
		data, ok := f.(*h2.DataFrame)
		if !ok {
			continue
		}
		p.WriteData(data.StreamID, false, data.Data())
		if owed += len(data.Data()); owed >= 32<<10 {
			p.WriteWindowUpdate(data.StreamID, uint32(owed))
			p.WriteWindowUpdate(0, uint32(owed))
			owed = 0
		}
	}
}

// roundTrip sends p and waits until as much has come back.
func roundTrip(s transport.Stream, p []byte, l transport.Lender) error {
	if n, err := s.TryWrite(p); n < len(p) {
		return err
	}
	for got := 0; got < len(p); {
		n, err := s.AwaitRead(l)
		if err != nil {
			return err
		}
		got += n
	}
	return nil
}

// The framer makes a value of every WINDOW_UPDATE, and that is all.
func TestAnEchoAllocatesNothing(t *testing.T) {
	c, p := meet(t)
	s := accept(t, c, p)
	p.conn.SetDeadline(time.Time{})
	go p.echo()
	message, buffer := make([]byte, 1024), make(lender, 4096)
	lender := transport.Lender(&buffer)
	allocs := testing.AllocsPerRun(2000, func() {
		if err := roundTrip(s, message, lender); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 0 && !raceEnabled {
		t.Errorf("%v allocations a round trip; want none", allocs)
	}
	s.Abort()
}

func BenchmarkEcho(b *testing.B) {
	c, p := meet(b)
	s := accept(b, c, p)
	p.conn.SetDeadline(time.Time{})
	go p.echo()
	message, buffer := make([]byte, 1024), make(lender, 4096)
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		if err := roundTrip(s, message, &buffer); err != nil {
			b.Fatal(err)
		}
	}
	s.Abort()
}
