package main

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
)

func TestServeEchoes(t *testing.T) { onBothCores(t, testServeEchoes) }

func testServeEchoes(t *testing.T, core string) {
	s := serve(t, "--core", core)
	c := dial(t, s.url("/echo?with=query"), websockets.Strict())
	for _, text := range []string{"", "hello", "fünf", strings.Repeat("x", 1<<20)} {
		send(t, c, text)
		wantMessage(t, c, text)
	}
	if err := c.Send(t.Context(), websockets.Binary, []byte{0, 0xff}); err != nil {
		t.Fatal(err)
	}
	typ, p, err := c.Receive(t.Context())
	if err != nil || typ != websockets.Binary || string(p) != "\x00\xff" {
		t.Errorf("got %v %q, %v", typ, p, err)
	}
	if err := c.Close(4001, "so long"); err != nil {
		t.Error(err)
	}
}

func TestServeLimitsMessages(t *testing.T) { onBothCores(t, testServeLimitsMessages) }

func testServeLimitsMessages(t *testing.T, core string) {
	s := serve(t, "--core", core, "--max-message", "1KiB")
	c := dial(t, s.url("/echo"), websockets.Strict())
	send(t, c, strings.Repeat("x", 1024))
	wantMessage(t, c, strings.Repeat("x", 1024))
	send(t, c, strings.Repeat("x", 1025))
	_, _, err := c.Receive(t.Context())
	if code := websockets.CloseStatus(err); code != websockets.MessageTooBig {
		t.Errorf("got %v, want a close with 1009", err)
	}
}

// An interrupt closes every kind of connection with 1001, and the command ends
// well.
func TestServeSaysGoingAway(t *testing.T) { onBothCores(t, testServeSaysGoingAway) }

func testServeSaysGoingAway(t *testing.T, core string) {
	s := serve(t, "--core", core)
	var conns []*websockets.Conn
	for _, path := range []string{"/echo", "/chat", "/inspect"} {
		conns = append(conns, dial(t, s.url(path), websockets.Strict()))
	}
	send(t, conns[0], "all of them are open")
	wantMessage(t, conns[0], "all of them are open")
	s.interrupt()
	for _, c := range conns {
		for {
			_, _, err := c.Receive(t.Context())
			if err == nil {
				continue // the inspector's news
			}
			if code := websockets.CloseStatus(err); code != websockets.GoingAway {
				t.Errorf("got %v, want a close with 1001", err)
			}
			break
		}
	}
	s.exits(statusOK)
}

func from(origin string) *websockets.Options {
	o := websockets.Strict()
	o.Header = http.Header{"Origin": {origin}}
	return o
}

func TestServeOrigins(t *testing.T) { onBothCores(t, testServeOrigins) }

func testServeOrigins(t *testing.T, core string) {
	for _, c := range []struct {
		name, flag, path string
		foreign          bool
		status           int // 0: accepted
	}{
		{"strict, ours", "--strict", "/echo", false, 0},
		{"strict, another", "--strict", "/echo", true, 403},
		{"not strict, another", "--no-strict", "/echo", true, 0},
		{"not strict in the other spelling", "--strict=false", "/chat", true, 0},
		{"strict, the inspector, ours", "--strict", "/inspect", false, 0},
		{"not strict, the inspector, another", "--no-strict", "/inspect", true, 403},
		{"nothing there", "--strict", "/nothing", false, 404},
		{"no inspector", "--no-inspect", "/inspect", false, 404},
		{"without the inspector", "--no-inspect", "/echo", true, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, "--core", core, c.flag)
			origin := "http://" + s.host
			if c.foreign {
				origin = "https://other.example"
			}
			conn, err := websockets.Dial(t.Context(), s.url(c.path), from(origin))
			if err == nil {
				defer conn.CloseNow()
			}
			status := 0
			if e, ok := errors.AsType[*websockets.HandshakeError](err); ok {
				status = e.Status
			}
			if status != c.status || (err == nil) != (c.status == 0) {
				t.Errorf("status %d, %v, want %d", status, err, c.status)
			}
			if c.status == 403 && c.path != "/inspect" {
				s.complains(origin)
			}
		})
	}
}

// What is no handshake is answered by the HTTP server.
func TestServeAnswersPlainHTTP(t *testing.T) { onBothCores(t, testServeAnswersPlainHTTP) }

func testServeAnswersPlainHTTP(t *testing.T, core string) {
	s := serve(t, "--core", core)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200},
		{"GET", "/echo", 426},
		{"POST", "/echo", 405},
		{"POST", "/", 405},
		{"GET", "/favicon.ico", 404},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+s.host+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s %s: %s, want %d", c.method, c.path, resp.Status, c.status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestPage(t *testing.T) { onBothCores(t, testPage) }

func testPage(t *testing.T, core string) {
	resp, body := get(t, "http://"+serve(t, "--core", core).host+"/")
	policy := resp.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "connect-src 'self'", "script-src 'sha256-", "style-src 'sha256-"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy lacks %q: %s", part, policy)
		}
	}
	if n := strings.Count(body, "<script>") + strings.Count(body, "<style>"); n != 2 {
		t.Errorf("%d scripts and styles, and the policy knows one of each", n)
	}
	for _, outside := range []string{` src="`, "@import", "url(http", ` style="`, ` onclick="`} {
		if strings.Contains(body, outside) {
			t.Errorf("the page has %q, which its policy forbids", outside)
		}
	}
}

// The comment at the top of the page names the ids that tests may rely on.
func TestPageDocumentsItsIds(t *testing.T) {
	doc, body, _ := strings.Cut(string(page), "-->")
	for _, match := range regexp.MustCompile(` id="([a-z-]+)"`).FindAllStringSubmatch(body, -1) {
		id := match[1]
		if strings.HasSuffix(id, "-title") || strings.HasSuffix(id, "-card") {
			continue
		}
		if !regexp.MustCompile(`(?m)[ \n]` + id + `[ :\n]`).MatchString(doc) {
			t.Errorf("the comment does not name %q", id)
		}
	}
}

func TestPageKnowsWhetherItCanInspect(t *testing.T) {
	_, with := get(t, "http://"+serve(t).host+"/")
	_, without := get(t, "http://"+serve(t, "--no-inspect").host+"/")
	if !strings.Contains(with, `data-inspect="on"`) || !strings.Contains(without, `data-inspect="off"`) {
		t.Error("the page is not told")
	}
}
