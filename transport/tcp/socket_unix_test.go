//go:build unix

package tcp_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport/tcp"
)

// eventually waits for what happens without anybody telling.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for start := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("%s: not so after 10 s", what)
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, test := range []struct {
		name    string
		connect func() (client, server *tcp.Stream)
	}{
		{"TCP", func() (_, _ *tcp.Stream) { return connect(t, "tcp", anyPort) }},
		{"Unix", func() (_, _ *tcp.Stream) { return connect(t, "unix", t.TempDir()+"/s") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, server := test.connect()
			defer client.Abort()
			go echo(server)
			message, l := make([]byte, 100), lend(4096)
			if n := testing.AllocsPerRun(200, func() {
				client.TryWrite(message)
				client.AwaitRead(l)
			}); n > 0 && !raceEnabled { // with it a pool forgets
				t.Errorf("%v allocations a round trip", n)
			}
		})
	}
}

func TestAbortResets(t *testing.T) {
	client, server := connect(t, "tcp", anyPort)
	client.Abort()
	eventually(t, "Readable after a reset", server.Readable)
	server.Readable() // looking must not use the error up
	if _, err := server.AwaitRead(lend(1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("AwaitRead = %v; want ECONNRESET", err)
	}
	if _, err := server.TryRead(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("TryRead after that = %v; want ECONNRESET again", err)
	}
	server.Close()
}

func TestResetSeenByTheWriterReachesTheReader(t *testing.T) {
	client, server := connect(t, "tcp", anyPort)
	defer server.Close()
	client.Abort()
	eventually(t, "a write that fails", func() bool {
		_, err := server.TryWrite([]byte("x"))
		return err != nil
	})
	if _, err := server.AwaitRead(lend(1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("AwaitRead = %v; want ECONNRESET", err)
	}
}

func TestErrorsTellTheAddresses(t *testing.T) {
	client, server := connect(t, "tcp", anyPort)
	defer server.Close()
	client.Abort()
	_, err := server.AwaitRead(lend(1))
	var op *net.OpError
	if !errors.As(err, &op) || op.Addr.String() != client.LocalAddr().String() {
		t.Errorf("AwaitRead = %v; want a net.OpError with the peer's address %v", err, client.LocalAddr())
	}
}

// AwaitWrite probes with the first byte that was refused: it must not arrive
// twice, nor be missing when the next TryWrite brings that byte alone.
func TestProbedByteCountsOnce(t *testing.T) {
	client, server := connect(t, "tcp", anyPort)
	defer client.Abort()
	small(t, client)
	small(t, server)
	received := make(chan int, 1)
	go func() { received <- countUp(t, server) }()
	total := 0
	for range 300 {
		for err := error(nil); err == nil; {
			var n int
			n, err = client.TryWrite(countFrom(total, 32<<10))
			total += n
		}
		if err := client.AwaitWrite(); err != nil {
			t.Fatal(err)
		}
		if n, err := client.TryWrite(countFrom(total, 1)); n != 1 || err != nil {
			t.Fatalf("TryWrite of the probed byte = %d, %v", n, err)
		}
		total++
	}
	client.CloseWrite()
	if n := <-received; n != total {
		t.Errorf("TryWrite reported %d bytes, %d arrived", total, n)
	}
}

// countFrom returns n bytes, each one more than the last.
func countFrom(start, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(start + i)
	}
	return p
}

// countUp reads such bytes to the end, returns how many, and closes s.
func countUp(t *testing.T, s *tcp.Stream) (total int) {
	defer s.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := s.AwaitRead(slice(buf))
		if err != nil {
			return total
		}
		if !bytes.Equal(buf[:n], countFrom(total, n)) {
			t.Errorf("the bytes from %d on are not those that were written", total)
		}
		total += n
	}
}

func TestIdleConnectionHoldsNoBuffer(t *testing.T) {
	const connections = 100
	for _, test := range []struct {
		name    string
		connect func() (client, server *tcp.Stream)
		limit   int // bytes of both ends, what net and crypto/tls keep included
	}{
		{"TCP", func() (_, _ *tcp.Stream) { return connect(t, "tcp", anyPort) }, 4 << 10},
		{"TLS13", func() (_, _ *tcp.Stream) { return connectTLS(t, tls.VersionTLS13) }, 100 << 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			var streams []*tcp.Stream
			before := heap()
			for range connections {
				client, server := test.connect()
				streams = append(streams, client, server)
				transfer(t, client, server, 16<<10)
				transfer(t, server, client, 16<<10)
			}
			each := (heap() - before) / connections / 2
			t.Logf("an idle stream that has carried 16 KiB each way keeps %d bytes", each)
			if each > test.limit/2 {
				t.Errorf("an idle stream keeps %d bytes, more than %d", each, test.limit/2)
			}
			for _, s := range streams {
				s.Abort()
			}
		})
	}
}

// transfer sends n bytes.
func transfer(t testing.TB, from, to *tcp.Stream, n int) {
	t.Helper()
	received := make(chan error, 1)
	go func() {
		l := lend(32 << 10)
		for got := 0; got < n; {
			m, err := to.AwaitRead(l)
			if err != nil {
				received <- err
				return
			}
			got += m
		}
		received <- nil
	}()
	if err := send(from, make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if err := <-received; err != nil {
		t.Fatal(err)
	}
}

// heap returns how much is in use; two collections empty a sync.Pool.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func BenchmarkRoundTrip(b *testing.B) {
	for _, bench := range []struct {
		name    string
		connect func() (client, server *tcp.Stream)
	}{
		{"TCP", func() (_, _ *tcp.Stream) { return connect(b, "tcp", anyPort) }},
		{"TLS13", func() (_, _ *tcp.Stream) { return connectTLS(b, tls.VersionTLS13) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			client, server := bench.connect()
			defer client.Abort()
			go echo(server)
			message, l := make([]byte, 100), lend(4096)
			b.ReportAllocs()
			for b.Loop() {
				client.TryWrite(message)
				client.AwaitRead(l)
			}
		})
	}
	b.Run("NetConn", func(b *testing.B) { // to compare with
		client, server := connect(b, "tcp", anyPort)
		roundTrips(b, client.NetConn(), server.NetConn())
	})
	b.Run("TLSConn", func(b *testing.B) {
		client, server := connect(b, "tcp", anyPort)
		serverConfig, clientConfig := configs(tls.VersionTLS13)
		clientConfig.ServerName = "127.0.0.1"
		roundTrips(b, tls.Client(client.NetConn(), clientConfig), tls.Server(server.NetConn(), serverConfig))
	})
}

func roundTrips(b *testing.B, client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	go io.CopyBuffer(struct{ io.Writer }{server}, struct{ io.Reader }{server}, make([]byte, 4096))
	message, buf := make([]byte, 100), make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		client.Write(message)
		client.Read(buf)
	}
}
