package streamtest_test

import (
	"net"
	"testing"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/streamtest"
)

// The function would be a test, TestStream, of the package that has the carrier.
func ExampleRun() {
	_ = func(t *testing.T) {
		streamtest.Run(t, func(t *testing.T) (a, b transport.Stream) {
			c, d := net.Pipe()
			return transport.NewPump(c), transport.NewPump(d)
		})
	}
}
