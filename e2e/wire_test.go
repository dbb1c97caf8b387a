//go:build e2e

package e2e

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The opcodes of RFC 6455 section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// A frame is what RFC 6455 section 5.2 says, encoded by hand so that the tests
// do not depend on the code that they test.
type frame struct {
	op      byte // with the reserved bits, 0x70, where a test wants them
	more    bool // FIN is clear
	payload []byte
}

// text, and the like, are frames as a client sends them.
func text(s string) []byte { return frame{op: opText, payload: []byte(s)}.masked() }

func closing(code uint16, reason string) []byte {
	return frame{op: opClose, payload: append(binary.BigEndian.AppendUint16(nil, code), reason...)}.masked()
}

func (f frame) first() byte {
	if f.more {
		return f.op
	}
	return f.op | 0x80
}

func (f frame) header(mask byte) []byte {
	switch n := len(f.payload); {
	case n <= 125:
		return []byte{f.first(), mask | byte(n)}
	case n <= 65535:
		return binary.BigEndian.AppendUint16([]byte{f.first(), mask | 126}, uint16(n))
	default:
		return binary.BigEndian.AppendUint64([]byte{f.first(), mask | 127}, uint64(n))
	}
}

func (f frame) unmasked() []byte { return append(f.header(0), f.payload...) }

func (f frame) masked() []byte {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	wire := append(f.header(0x80), key[:]...)
	for i, b := range f.payload {
		wire = append(wire, b^key[i%4])
	}
	return wire
}

// readFrame reads a frame of either kind.
func readFrame(r io.Reader) (f frame, masked bool, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return f, false, err
	}
	f.op, f.more, masked = head[0]&0x7f, head[0]&0x80 == 0, head[1]&0x80 != 0
	n := uint64(head[1] & 0x7f)
	if size := map[uint64]int{126: 2, 127: 8}[n]; size > 0 {
		var long [8]byte
		if _, err := io.ReadFull(r, long[8-size:]); err != nil {
			return f, masked, unexpected(err)
		}
		n = binary.BigEndian.Uint64(long[:])
	}
	if n > 64<<20 {
		return f, masked, fmt.Errorf("a frame of %d bytes", n)
	}
	var key [4]byte
	if masked {
		if _, err := io.ReadFull(r, key[:]); err != nil {
			return f, masked, unexpected(err)
		}
	}
	f.payload = make([]byte, n)
	if _, err := io.ReadFull(r, f.payload); err != nil {
		return f, masked, unexpected(err)
	}
	for i := range f.payload {
		f.payload[i] ^= key[i%4]
	}
	return f, masked, nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// closeCode returns the code of a close frame, 1005 if it has none.
func (f frame) closeCode() int {
	if len(f.payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(f.payload))
}

// A wire is one side of a WebSocket connection made of nothing but a socket: it
// can do what no decent implementation does.
type wire struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

// The key and its answer that RFC 6455 section 1.3 gives as an example.
const (
	sampleKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	sampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// opening returns the lines of a good opening handshake, by header name.
func opening(host string) map[string]string {
	return map[string]string{
		"Host":                  host,
		"Upgrade":               "websocket",
		"Connection":            "Upgrade",
		"Sec-WebSocket-Key":     sampleKey,
		"Sec-WebSocket-Version": "13",
	}
}

// ask sends a request and returns the response. With change, headers of a good
// opening handshake are replaced, added or, where empty, left out.
func ask(t *testing.T, host, line string, change map[string]string) (*wire, *http.Response) {
	t.Helper()
	w := socket(t, host)
	headers := opening(host)
	for name, value := range change {
		headers[name] = value
	}
	var b strings.Builder
	b.WriteString(line + "\r\n")
	for name, value := range headers {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	b.WriteString("\r\n")
	w.write([]byte(b.String()))
	resp, err := http.ReadResponse(w.r, nil)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return w, resp
}

// socket connects to a host and does nothing more.
func socket(t *testing.T, host string) *wire {
	t.Helper()
	conn, err := net.DialTimeout("tcp", host, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return newWire(t, conn)
}

func newWire(t *testing.T, conn net.Conn) *wire {
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	return &wire{t, conn, bufio.NewReaderSize(conn, 1<<16)}
}

// dial makes an open connection.
func dial(t *testing.T, host, path string) *wire {
	t.Helper()
	w, resp := ask(t, host, "GET "+path+" HTTP/1.1", nil)
	if resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Accept") != sampleAccept {
		t.Fatalf("%s%s: %s, Sec-WebSocket-Accept %q", host, path, resp.Status, resp.Header.Get("Sec-WebSocket-Accept"))
	}
	return w
}

// accept answers an opening handshake that came in, as a server.
func (w *wire) accept(req *http.Request) {
	w.t.Helper()
	sum := sha1.Sum([]byte(req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	w.write(fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:])))
}

func (w *wire) write(p []byte) {
	w.t.Helper()
	if _, err := w.Write(p); err != nil {
		w.t.Fatalf("write: %v", err)
	}
}

// frame reads the next frame.
func (w *wire) frame() frame {
	w.t.Helper()
	f, _, err := readFrame(w.r)
	if err != nil {
		w.t.Fatalf("read: %v", err)
	}
	return f
}

// wantClose reads a close frame and then the end of the connection.
func (w *wire) wantClose(codes ...int) {
	w.t.Helper()
	f := w.frame()
	if f.op != opClose {
		w.t.Fatalf("got opcode %#x with %.40q, want a close", f.op, f.payload)
	}
	w.wantCode(f, codes...)
	if _, err := w.r.ReadByte(); err != io.EOF {
		w.t.Errorf("after the close: %v, want the end of the connection", err)
	}
}

func (w *wire) wantCode(f frame, codes ...int) {
	w.t.Helper()
	for _, code := range codes {
		if f.closeCode() == code {
			return
		}
	}
	w.t.Errorf("closed with %d %q, want %v", f.closeCode(), f.payload, codes)
}

// echo checks that the connection returns a message.
func (w *wire) echo(message string) {
	w.t.Helper()
	w.write(text(message))
	if f := w.frame(); f.op != opText || string(f.payload) != message {
		w.t.Fatalf("got opcode %#x with %.40q, want the text %q", f.op, f.payload, message)
	}
}
