//go:build e2e

package e2e

import (
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// The commands keep to what they promise on the command line.

// servers are the commands that listen, with their first arguments.
var listeners = []struct {
	name string
	args []string
}{
	{"websockets", []string{"serve"}},
	{"echo", nil},
	{"server", nil}, // examples/autobahn/server
}

func TestHelpTeaches(t *testing.T) {
	for _, c := range []struct {
		args  []string
		words []string
	}{
		{[]string{"websockets", "--help"}, []string{"serve", "connect"}},
		{[]string{"websockets", "serve", "--help"}, []string{
			"addr", "tls-cert", "tls-key", "max-message", "strict", "ping-interval", "connection-timeout", "close-timeout"}},
		{[]string{"websockets", "connect", "--help"}, []string{"ws://", "status"}},
		{[]string{"echo", "--help"}, []string{"addr"}},
		{[]string{"server", "--help"}, []string{"addr", "max-message", "core"}},
		{[]string{"client", "--help"}, []string{"url", "agent", "max-message"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			p := command(t, c.args[0], c.args[1:]...)
			help := strings.Join(p.rest(), "\n")
			p.exit(0)
			help += p.stderr.String()
			for _, word := range c.words {
				if !strings.Contains(help, word) {
					t.Errorf("the help does not say %q:\n%s", word, help)
				}
			}
		})
	}
}

func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"websockets", "serve", "--no-such-flag"}, "no-such-flag"},
		{[]string{"websockets", "serve", "--max-message", "many"}, "max-message"},
		{[]string{"websockets", "serve", "--ping-interval", "soon"}, "ping-interval"},
		{[]string{"websockets", "serve", "--addr", "127.0.0.1"}, "127.0.0.1"},
		{[]string{"websockets", "serve", "--addr", "127.0.0.1:http:80"}, "127.0.0.1:http:80"},
		{[]string{"websockets", "serve", "--addr", "127.0.0.1:99999"}, "99999"},
		{[]string{"websockets", "serve", "--tls-cert", "cert.pem"}, "tls-key"},
		{[]string{"websockets", "serve", "--core", "bogus"}, "core"},
		{[]string{"websockets", "connect", "--no-such-flag", "ws://127.0.0.1:1"}, "no-such-flag"},
		{[]string{"websockets", "connect"}, "URL"},
		{[]string{"websockets", "connect", "http//not a url"}, "not a url"},
		{[]string{"websockets", "connect", "ftp://127.0.0.1"}, "ftp"},
		{[]string{"websockets", "no-such-command"}, "no-such-command"},
		{[]string{"echo", "--no-such-flag"}, "no-such-flag"},
		{[]string{"echo", "--addr", "127.0.0.1"}, "127.0.0.1"},
		{[]string{"server", "--no-such-flag"}, "no-such-flag"},
		{[]string{"server", "--core", "bogus"}, "bogus"},
		{[]string{"server", "--addr", "127.0.0.1"}, "127.0.0.1"},
		{[]string{"client", "--no-such-flag"}, "no-such-flag"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			p := command(t, c.args[0], c.args[1:]...)
			if lines := p.rest(); len(lines) > 0 {
				t.Errorf("standard output: %q", lines)
			}
			p.exit(2)
			if stderr := p.stderr.String(); !strings.Contains(stderr, c.says) {
				t.Errorf("standard error does not say %q:\n%s", c.says, stderr)
			}
		})
	}
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range listeners {
		t.Run(c.name, func(t *testing.T) {
			p := command(t, c.name, append(c.args, "--addr", l.Addr().String())...)
			if lines := p.rest(); len(lines) > 0 {
				t.Errorf("standard output: %q", lines)
			}
			p.exit(1)
			if stderr := p.stderr.String(); !strings.Contains(stderr, "in use") {
				t.Errorf("standard error does not say that the address is in use:\n%s", stderr)
			}
		})
	}
}

// A server ends well and says 1001, whichever of the two signals asks.
func TestSignals(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			s := serve(t)
			w := dial(t, s.host, "/echo")
			w.echo("hello")
			s.signal(sig)
			f := w.frame()
			w.wantCode(f, 1001)
			w.write(closing(1001, ""))
			w.Close()
			s.exit(0)
		})
	}
}

// The limit of --max-message is the one in force.
func TestMaxMessage(t *testing.T) {
	s := serve(t, "--max-message", "1000")
	w := dial(t, s.host, "/echo")
	w.echo(strings.Repeat("x", 1000))
	w.write(text(strings.Repeat("x", 1001)))
	w.wantClose(1009)
}

// Without --strict the server keeps to the defaults of old: any origin is good.
func TestNotStrict(t *testing.T) {
	s := serve(t, "--strict=false")
	w, resp := ask(t, s.host, "GET /echo HTTP/1.1", map[string]string{"Origin": "https://other.example"})
	if resp.StatusCode != 101 {
		t.Fatal(resp.Status)
	}
	w.echo("hello")
}
