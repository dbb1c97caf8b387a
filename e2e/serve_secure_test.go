//go:build e2e

package e2e

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// Foreign clients talk to websockets serve over every version of HTTP.

// A secureServer has a certificate of its own making.
type secureServer struct {
	server
	site destination
}

func serveSelfSigned(t *testing.T, flags ...string) secureServer {
	t.Helper()
	s := listening(t, "https", "websockets", append([]string{"serve", "--core", *core, "--tls-self-signed"}, flags...)...)
	told := s.logs(`--ignore-certificate-errors-spki-list=(\S+)`)
	return secureServer{s, destination{s.host, told[1]}}
}

// logs waits for a line of the server's log that has all words, which are regular
// expressions, in this order. It returns the line and what the expressions in
// parentheses match.
func (s server) logs(words ...string) []string {
	s.t.Helper()
	line := regexp.MustCompile(strings.Join(words, ".*"))
	var match []string
	eventually(s.t, "a line of the log that matches "+line.String(), func() bool {
		match = line.FindStringSubmatch(s.stderr.String())
		return match != nil
	})
	return match
}

// visited returns a server that c is connected to. Chromium on a busy machine may go over a
// TCP connection that was ready before the QUIC connection that it has was asked: then there is
// another visit.
func visited(t *testing.T, c comer) (secureServer, peer) {
	t.Helper()
	for visit := 1; ; visit++ {
		s := serveSelfSigned(t)
		p := c.to(s.site).connect(t, s.url("/echo"))
		over := s.logs("msg=opened", `over=(\S+)\n`)[1]
		if over == c.over || c.over != "HTTP/3" || visit == 3 {
			return s, p
		}
		t.Logf("visit %d came over %s", visit, over)
		p.close(1000, "")
		s.stop()
	}
}

func TestSecureServeEchoes(t *testing.T) {
	eachOf(t, comers, func(t *testing.T, c comer) {
		s, p := visited(t, c)
		s.logs("msg=opened", "path=/echo", "over="+c.over+"\n")
		echoes(t, p)
		p.send("binary", payload("binary", 1<<20))
		want(t, p, event{Kind: "binary", Data: payload("binary", 1<<20)})
		p.close(4999, "good bye, füreinander")
		wantClose(t, p, 4999)
		s.logs("msg=ended", "over="+c.over, "4999", "good bye, füreinander")
		s.stop()
	})
}

// A server that cannot take a message says why.
func TestSecureServeCloses(t *testing.T) {
	s := serveSelfSigned(t, "--max-message", "1000")
	eachOf(t, comers, func(t *testing.T, c comer) {
		p := c.to(s.site).connect(t, s.url("/echo"))
		p.send("text", payload("text", 1001))
		wantClose(t, p, 1009)
	})
}

// everybody connects all comers to a server.
func everybody(t *testing.T, s secureServer) []peer {
	t.Helper()
	var all []peer
	for _, c := range comers {
		p := c.to(s.site).connect(t, s.url("/echo"))
		p.send("text", []byte("here"))
		await(t, p, "text", "here")
		all = append(all, p)
	}
	return all
}

// Whoever says nothing for longer than the connection timeout lives on: all answer pings.
func TestSecureServePings(t *testing.T) {
	s := serveSelfSigned(t, "--ping-interval", "500ms", "--connection-timeout", "3s")
	all := everybody(t, s)
	for n, p := range all {
		if !comers[n].pings {
			continue
		}
		for range 10 { // which takes longer than the timeout
			if e := p.next(); e.Kind != "ping" {
				t.Fatalf("%s: got %v, want a ping", p.name(), e)
			}
		}
	}
	for _, p := range all {
		p.send("text", []byte("still here"))
		await(t, p, "text", "still here")
	}
}

func TestSecureServeSaysGoingAway(t *testing.T) {
	s := serveSelfSigned(t)
	all := everybody(t, s)
	s.signal(os.Interrupt)
	for _, p := range all {
		wantClose(t, p, 1001)
	}
	s.exit(0)
}

// What a client sends to a server that is no more shows it the loss, over QUIC too.
func TestSecureServeIsLost(t *testing.T) {
	s := serveSelfSigned(t)
	all := everybody(t, s)
	s.signal(syscall.SIGKILL)
	<-s.exited
	for n, p := range all {
		p.send("text", []byte("anybody there?"))
		wantClose(t, p, comers[n].loss)
	}
}

// Over HTTP/2 and HTTP/3 the WebSocket of a page is on the connection that the page
// itself came on.
func TestChromiumSharesItsConnection(t *testing.T) {
	eachOf(t, browsers, func(t *testing.T, c comer) {
		s, _ := visited(t, c)
		page := s.logs("msg=page", `peer=(\S+)`, "over="+c.over+"\n")[1]
		socket := s.logs("msg=opened", `peer=(\S+)`, "over="+c.over+"\n")[1]
		if shared := page == socket; shared != (c.over != "HTTP/1.1") {
			t.Errorf("over %s the page came from %s and its WebSocket from %s", c.over, page, socket)
		}
	})
}
