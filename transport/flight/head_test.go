package flight_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets/transport/flight"
)

// What is redacted does not depend on how it comes, and the work does not grow
// with the square of what a peer sends.
func TestRedactionInPieces(t *testing.T) {
	many := &strings.Builder{}
	for i := range 50_000 {
		fmt.Fprintf(many, ",%d", i)
	}
	for name, in := range map[string]string{
		"request":         sampleRequest,
		"two heads":       "HTTP/1.1 100 A\r\nX: y\r\n\r\n" + sampleRequest,
		"half a line":     "GET / HTTP/1.1\r\nX: secret",
		"a long line":     "GET / HTTP/1.1\r\nX: " + strings.Repeat("secret", 200_000),
		"many tokens":     "GET / HTTP/1.1\r\nSec-WebSocket-Protocol: " + many.String() + "\r\n\r\n",
		"many extensions": "GET / HTTP/1.1\r\nSec-WebSocket-Extensions: " + many.String() + "\r\n\r\n",
	} {
		began := time.Now()
		whole := flight.RedactHead([]byte(in), len(in))
		for _, size := range []int{1, 7} {
			if got := flight.RedactHead([]byte(in), size); !bytes.Equal(got, whole) {
				t.Errorf("%s in pieces of %d: %.200q, not %.200q", name, size, got, whole)
			}
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		if len(whole) != len(in) || bytes.Contains(whole, []byte("secret")) {
			t.Errorf("%s: %.200q", name, whole)
		}
	}
}
