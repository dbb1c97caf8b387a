//go:build e2e

package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// A page of another origin is refused, unless the server is told not to mind.
func TestChromiumFromAnotherOrigin(t *testing.T) {
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	t.Run("strict", func(t *testing.T) {
		c := chromium.try(t, serve(t).url("/echo"), elsewhere.URL)
		want(t, c, event{Kind: "close", Code: 1006})
	})
	t.Run("not strict", func(t *testing.T) {
		c := chromium.connect(t, serve(t, "--strict=false").url("/echo"), elsewhere.URL)
		c.send("text", []byte("hello"))
		want(t, c, event{Kind: "text", Data: []byte("hello")})
	})
}

// The page at / is used as a person would use it, and tells what carries it.
func TestChromiumOnThePage(t *testing.T) {
	t.Run("without TLS", func(t *testing.T) { onThePage(t, chromium, "http://"+serve(t).host+"/", "HTTP/1.1") })
	s := serveSelfSigned(t)
	eachOf(t, browsers, func(t *testing.T, c comer) { onThePage(t, c.to(s.site), "https://"+s.host+"/", c.over) })
}

func onThePage(t *testing.T, c implementation, url, carrier string) {
	t.Helper()
	flags := c.command[len(chromium.command):]
	p := start(t, "node", slices.Concat([]string{"peers/page.mjs"}, flags, []string{url, carrier})...)
	p.rest()
	p.exit(0)
}
