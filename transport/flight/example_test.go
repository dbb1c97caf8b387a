package flight_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/core/frame"
	"github.com/fb1e3c20/websockets/transport/flight"
)

// A peer breaks the protocol; the connection's recording is replayed.
func ExampleRecorder() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	written := make(chan string)
	o := websockets.Strict()
	o.Logger = slog.New(slog.DiscardHandler)
	o.Recorder = &flight.Recorder{Dir: dir, Redact: true, OnFile: func(path string, err error) { written <- path }}
	server := httptest.NewServer(websockets.Handle(echo, o))
	defer server.Close()

	peer, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer peer.Close()
	io.WriteString(peer, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(peer), nil); err != nil {
		fmt.Println(err)
		return
	}
	peer.Write(frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: 3, Masked: true}, []byte("secret")))
	peer.(*net.TCPConn).CloseWrite()

	r, err := flight.Open(filepath.Clean(<-written))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = r.Replay(func(s *flight.Step) error {
		if s.Answer.Event.Kind == core.EventFailed {
			fmt.Println(s.Call, "fails:", s.State.Err)
		}
		return nil
	})
	fmt.Println("replayed:", err)
	// Output:
	// Recv 12 bytes fails: websocket: reserved opcode
	// replayed: <nil>
}

// A driver of one's own records its machine.
func ExampleRecord() {
	settings, err := core.NewSettings(core.Config{Pings: core.PingAnswer})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := flight.Record(flight.Birth{Role: core.Server, Open: true, Settings: settings}, flight.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ping := frame.AppendFrame(nil, frame.Header{Fin: true, Opcode: frame.Ping, Masked: true}, []byte("hi"))
	f.Recv(1e9, ping, make([]byte, core.ScratchSize))
	f.AppendOutput(nil)
	f.Tick(15e9)

	r, err := flight.Read(bytes.NewReader(f.AppendRecording(nil, "")))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = r.Replay(func(s *flight.Step) error {
		fmt.Println(s)
		return nil
	})
	fmt.Println(err)
	// Output:
	// 1s: Recv 8 bytes; event: ping, 2 bytes
	// 1s: AppendOutput; output 4 bytes
	// 15s: Tick
	// <nil>
}

// What a core with other settings would have done.
func ExampleDivergence() {
	settings, err := core.NewSettings(core.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := flight.Record(flight.Birth{Open: true, Settings: settings}, flight.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	f.Tick(1e9)
	r, err := flight.Read(bytes.NewReader(f.AppendRecording(nil, "")))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Birth.Settings, err = core.NewSettings(core.Config{PingInterval: 20 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	d, _ := errors.AsType[*flight.Divergence](r.Replay(nil))
	fmt.Println(d.Step.Call, "at", d.Step.At)
	fmt.Println("recorded", d.Recorded)
	fmt.Println("replayed", d.Replayed)
	// Output:
	// Tick at 1s
	// recorded ping timer at 15s
	// replayed ping timer at 20s
}
