//go:build unix

package tcp_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/tcp"
)

// Records that come in pieces, however small, are put together again, and the
// reader waits for the rest without spinning or losing its place.
func TestRecordsInPieces(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, size := range []int{1, 7, 1000} {
			server := tlsServer(t, version)
			relay := relay(t, server.Addr().String(), size)
			_, config := configs(version)
			client, err := tcp.DialTLS(t.Context(), "tcp", relay, config)
			if err != nil {
				t.Fatal(err)
			}
			message := bytes.Repeat([]byte("0123456789abcdef"), 100*size)
			go send(client, message)
			if got := receive(t, client, len(message)); !bytes.Equal(got, message) {
				t.Errorf("%d bytes at a time: the echo differs", size)
			}
			client.Abort()
		}
	}
}

// tlsServer echoes.
func tlsServer(t *testing.T, version uint16) *tcp.Listener {
	t.Helper()
	config, _ := configs(version)
	l, err := tcp.ListenTLS("tcp", anyPort, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			s, err := l.Accept()
			if err != nil {
				return
			}
			go echo(s)
		}
	}()
	return l
}

// relay forwards to addr both ways, size bytes at a time, and returns its own
// address.
func relay(t *testing.T, addr string, size int) string {
	t.Helper()
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		near, err := l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", addr)
		if err != nil {
			near.Close()
			return
		}
		go copyBy(far, near, size)
		copyBy(near, far, size)
	}()
	return l.Addr().String()
}

func copyBy(dst, src net.Conn, size int) {
	defer dst.Close()
	io.CopyBuffer(struct{ io.Writer }{dst}, struct{ io.Reader }{src}, make([]byte, size))
}

func receive(t *testing.T, s *tcp.Stream, n int) (p []byte) {
	t.Helper()
	buf := make([]byte, 32<<10)
	for len(p) < n {
		m, err := s.AwaitRead(slice(buf))
		if err != nil {
			t.Fatalf("after %d of %d bytes: %v", len(p), n, err)
		}
		p = append(p, buf[:m]...)
	}
	return p
}

// TryWrite must not report bytes that only crypto/tls has taken: what it has
// reported when the connection is cut has reached the socket.
func TestWrittenMeansHandedToTheSocket(t *testing.T) {
	client, server := connectTLS(t, tls.VersionTLS13)
	defer client.Abort()
	total := 0
	for {
		n, err := server.TryWrite(make([]byte, 32<<10))
		total += n
		if err == transport.ErrWouldBlock {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	server.Close()
	l, got := lend(32<<10), 0
	for {
		n, err := client.AwaitRead(l)
		got += n
		if err != nil {
			break
		}
	}
	if got < total {
		t.Errorf("TryWrite reported %d bytes, %d arrived", total, got)
	}
}

// close_notify waits for room in a goroutine of its own.
func TestCloseWriteOnAFullSocket(t *testing.T) {
	client, server := connectTLS(t, tls.VersionTLS13)
	defer client.Abort()
	defer server.Abort()
	for {
		if _, err := server.TryWrite(make([]byte, 32<<10)); err == transport.ErrWouldBlock {
			break
		}
	}
	if err := server.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	server.KickWrite() // must not end that goroutine
	l := lend(32 << 10)
	for {
		_, err := client.AwaitRead(l)
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("AwaitRead = %v; want io.EOF in the end", err)
		}
	}
}

// A complete record that waits inside crypto/tls counts as readable although
// the socket is empty.
func TestReadableInsideTLS(t *testing.T) {
	client, server := connectTLS(t, tls.VersionTLS13)
	defer client.Abort()
	defer server.Abort()
	for _, record := range []string{"one", "two", "three"} {
		client.TryWrite([]byte(record))
	}
	time.Sleep(10 * time.Millisecond) // let the socket have all three
	for _, want := range "onetwothree" {
		eventually(t, "Readable", server.Readable)
		p := make([]byte, 1)
		if n, err := server.AwaitRead(slice(p)); n != 1 || rune(p[0]) != want {
			t.Fatalf("AwaitRead = %q, %v; want %q", p[:n], err, want)
		}
	}
	server.TryRead(make([]byte, 1))
	if server.Readable() {
		t.Error("Readable after everything was read")
	}
}

// A rekeyer is a client of TLS 1.3 that writes its own records, so that it can
// send what crypto/tls never sends: KeyUpdate
// (https://www.rfc-editor.org/rfc/rfc8446#section-4.6.3).
type rekeyer struct {
	t      *testing.T
	raw    net.Conn
	tls    *tls.Conn
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

func newRekeyer(t *testing.T, addr string) *rekeyer {
	t.Helper()
	var log bytes.Buffer
	_, config := configs(tls.VersionTLS13)
	config.ServerName = "127.0.0.1"
	config.KeyLogWriter = &log
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	r := &rekeyer{t: t, raw: raw, tls: tls.Client(raw, config)}
	if err := r.tls.Handshake(); err != nil {
		t.Fatal(err)
	}
	if suite := r.tls.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skipf("the connection uses %s", tls.CipherSuiteName(suite))
	}
	for line := range strings.Lines(log.String()) {
		if fields := strings.Fields(line); fields[0] == "CLIENT_TRAFFIC_SECRET_0" {
			r.secret, _ = hex.DecodeString(fields[2])
		}
	}
	r.useSecret()
	return r
}

func (r *rekeyer) useSecret() {
	block, err := aes.NewCipher(r.expand("key", 16))
	if err != nil {
		r.t.Fatal(err)
	}
	if r.aead, err = cipher.NewGCM(block); err != nil {
		r.t.Fatal(err)
	}
	r.iv, r.seq = r.expand("iv", 12), 0
}

// expand is HKDF-Expand-Label with no context
// (https://www.rfc-editor.org/rfc/rfc8446#section-7.1).
func (r *rekeyer) expand(label string, n int) []byte {
	label = "tls13 " + label
	info := string([]byte{byte(n >> 8), byte(n), byte(len(label))}) + label + "\x00"
	p, err := hkdf.Expand(sha256.New, r.secret, info, n)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// record encrypts one record.
func (r *rekeyer) record(contentType byte, content []byte) []byte {
	nonce := bytes.Clone(r.iv)
	tail := nonce[4:]
	binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^r.seq)
	r.seq++
	inner := append(bytes.Clone(content), contentType)
	n := len(inner) + r.aead.Overhead()
	header := []byte{23, 3, 3, byte(n >> 8), byte(n)}
	return r.aead.Seal(header, nonce, inner, header)
}

const (
	handshakeRecord   = 22
	applicationRecord = 23
)

// keyUpdate returns a KeyUpdate that asks for one in return.
func (r *rekeyer) keyUpdate() []byte {
	p := r.record(handshakeRecord, []byte{24, 0, 0, 1, 1})
	r.secret = r.expand("traffic upd", 32)
	r.useSecret()
	return p
}

func TestKeyUpdate(t *testing.T) {
	r := newRekeyer(t, tlsServer(t, tls.VersionTLS13).Addr().String())
	for range 5 {
		p := append(r.record(applicationRecord, []byte("before ")), r.keyUpdate()...)
		p = append(p, r.record(applicationRecord, []byte("after"))...)
		for len(p) > 0 { // in pieces, so that a KeyUpdate is cut as well
			n := min(len(p), 11)
			r.raw.Write(p[:n])
			p = p[n:]
		}
		reply := make([]byte, 12)
		if _, err := io.ReadFull(r.tls, reply); string(reply) != "before after" {
			t.Fatalf("the echo is %q, %v", reply, err)
		}
	}
}

// quiet returns a client and a server of which neither has sent anything since
// the handshake.
func quiet(t *testing.T) (client *rekeyer, server *tcp.Stream) {
	t.Helper()
	config, _ := configs(tls.VersionTLS13)
	config.SessionTicketsDisabled = true
	l, err := tcp.ListenTLS("tcp", anyPort, config)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan *tcp.Stream, 1)
	go func() {
		s, _ := l.Accept()
		accepted <- s
	}()
	client = newRekeyer(t, l.Addr().String())
	server = <-accepted
	t.Cleanup(func() { server.Abort() })
	if err := server.Handshake(t.Context()); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// expectRecord waits for a record of the server's.
func (r *rekeyer) expectRecord(what string) {
	r.t.Helper()
	r.raw.SetReadDeadline(time.Now().Add(10 * time.Second))
	header := make([]byte, 5)
	if _, err := io.ReadFull(r.raw, header); err != nil || header[0] != applicationRecord {
		r.t.Errorf("%s: read %x, %v; want a record", what, header, err)
	}
}

func TestReadingAnswersAKeyUpdate(t *testing.T) {
	r, s := quiet(t)
	r.raw.Write(append(r.keyUpdate(), r.record(applicationRecord, []byte("x"))...))
	if _, err := s.AwaitRead(lend(1)); err != nil {
		t.Fatal(err)
	}
	r.expectRecord("KeyUpdate")
}

// The end of the input may come together with a part of a record, and does not
// come again.
func TestEndInsideARecord(t *testing.T) {
	r, s := quiet(t)
	record := r.record(applicationRecord, []byte("cut off"))
	r.raw.Write(record[:len(record)-1])
	r.raw.Close()
	eventually(t, "Readable", s.Readable)
	time.Sleep(10 * time.Millisecond) // let the end come as well
	if n, err := s.AwaitRead(lend(100)); err != io.ErrUnexpectedEOF {
		t.Errorf("AwaitRead = %d, %v; want io.ErrUnexpectedEOF", n, err)
	}
}

// https://www.rfc-editor.org/rfc/rfc8446#section-6.1
func TestCloseSaysSo(t *testing.T) {
	r, s := quiet(t)
	s.Close()
	r.expectRecord("close_notify")
}

// A peer that makes the server answer for ever, and reads nothing, is cut
// before the answers take much memory.
func TestKeyUpdatesNobodyReadsAnswersTo(t *testing.T) {
	r, s := quiet(t)
	full := func() error { // writes until nothing goes out any more
		for {
			if _, err := s.TryWrite(make([]byte, 32<<10)); err != nil {
				return err
			}
		}
	}
	var flood sync.WaitGroup
	flood.Go(func() {
		for {
			p := append(r.keyUpdate(), r.record(applicationRecord, []byte("x"))...)
			if _, err := r.raw.Write(p); err != nil {
				return
			}
		}
	})
	buf, read := make([]byte, 32<<10), 0
	for range 100_000 {
		n, err := s.AwaitRead(slice(buf))
		if err != nil {
			t.Fatal(err)
		}
		read += n
		if err := full(); err != transport.ErrWouldBlock {
			t.Logf("%d updates in, TryWrite = %v", read, err)
			break
		}
	}
	if read < 1000 || read > 10_000 {
		t.Errorf("the output failed after %d updates; want after 64 KiB of answers", read)
	}
	s.Abort()
	flood.Wait()
}
