package core_test

import (
	"fmt"

	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
)

// A connection is saved in the middle of a message and goes on elsewhere.
func ExampleRestoreConn() {
	settings, err := core.NewSettings(core.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := core.NewOpen(settings, 0, core.Server)
	if err != nil {
		fmt.Println(err)
		return
	}
	wire := frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Text, Masked: true, Mask: frame.Mask{1, 2, 3, 4}}, []byte("Hello, world"))
	scratch := make([]byte, core.ScratchSize)
	n, ev := c.Recv(0, wire[:11], scratch)
	fmt.Printf("%s, last: %v\n", ev.Data, ev.Last)

	saved := c.AppendSnapshot(nil)
	c, err = core.RestoreConn(settings, saved)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, ev = c.Recv(0, wire[n:], scratch)
	fmt.Printf("%s, last: %v\n", ev.Data, ev.Last)
	// Output:
	// Hello, last: false
	// , world, last: true
}
