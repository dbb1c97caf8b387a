//go:build e2e

package e2e

import (
	"net/http"
	"net/http/httptest"
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

// The page at / is used as a person would use it.
func TestChromiumOnThePage(t *testing.T) {
	s := serve(t)
	p := start(t, "node", "peers/page.mjs", "http://"+s.host+"/")
	p.rest()
	p.exit(0)
}
