package main

import (
	"io"
	"net"
	"os"
	"slices"
)

// Standard input and output may be one socket, of which closing one of them
// would end nothing.
var stdin, stdout, closeOutput = standard()

func standard() (io.Reader, io.Writer, func() error) {
	in, err := os.Stdin.Stat()
	out, errOut := os.Stdout.Stat()
	if err == nil && errOut == nil && in.Mode()&os.ModeSocket != 0 && os.SameFile(in, out) {
		conn, _ := net.FileConn(os.Stdout)
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			return conn, conn, half.CloseWrite
		}
	}
	return os.Stdin, os.Stdout, os.Stdout.Close
}

// read passes input on. Of its three buffers one is with the connection, one
// waits and one is being filled.
func read(input chan<- []byte) {
	defer close(input)
	var buffers [3][32 << 10]byte
	for i := 0; ; i = (i + 1) % 3 {
		n, err := stdin.Read(buffers[i][:])
		if err != nil {
			return
		}
		input <- buffers[i][:n]
	}
}

// write writes piece by piece, for peers are judged by progress. None is an error.
func write(out []byte, wrote chan<- int) {
	for piece := range slices.Chunk(out, 4<<10) {
		n, _ := stdout.Write(piece)
		wrote <- n
	}
}
