package pipe_test

import (
	"testing"

	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/pipe"
	"github.com/fb1e3c20/websockets/transport/streamtest"
)

func TestContract(t *testing.T) {
	for name, size := range map[string]int{"100Bytes": 100, "Default": 0} {
		t.Run(name, func(t *testing.T) {
			streamtest.Run(t, func(*testing.T) (a, b transport.Stream) { return pipe.New(size) })
		})
	}
}
