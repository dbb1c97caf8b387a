//go:build !windows

package main

import (
	"io"
	"net"
	"testing"
	"time"
)

// One socket is both: it is closed by halves nevertheless.
func TestOnASocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	socket, err := accepted.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	server := start(t, socket, socket)
	accepted.Close()
	client.SetDeadline(time.Now().Add(4 * time.Second)) // the close timeout is 5 s
	io.WriteString(client, request+maskedHello+maskedClose)
	got, err := io.ReadAll(client)
	if want := response + hello + closeNormal; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	client.Close()
	server.exit(0, "")
}
