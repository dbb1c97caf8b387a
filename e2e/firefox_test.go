//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// firefoxPage sends messages of every size both ways, twice, and tells how that went.
const firefoxPage = `<!doctype html><meta charset="utf-8"><title>echo</title><script>
const tell = what => fetch('/report', { method: 'POST', body: JSON.stringify(what) })
const socket = new WebSocket('ws://' + location.host + '/echo')
socket.binaryType = 'arraybuffer'
const messages = []
for (const n of [0, 1, 100, 5000, 65536, 1 << 20]) {
  const text = 'grüße, '.repeat(n / 9 | 0) + 'x'.repeat(n % 9)
  const bytes = new Uint8Array(n).map((_, i) => (i * i * 7919) >> 8)
  messages.push(text, bytes, text, bytes)
}
const same = (a, b) => typeof a === 'string' ? a === b : b.byteLength === a.length && new Uint8Array(b).every((v, i) => v === a[i])
let n = 0
const next = () => n < messages.length ? socket.send(messages[n]) : socket.close(4999, 'good bye')
socket.onopen = next
socket.onmessage = ({ data }) => {
  if (!same(messages[n], data)) tell({ failed: 'message ' + n + ' came back as another' })
  n++
  next()
}
socket.onclose = ({ code, reason }) => tell({ echoed: n, code, reason, extensions: socket.extensions, agent: navigator.userAgent })
</script>`

// A page in headless Firefox, over a socket that is compressed as each policy has it. It
// offers permessage-deflate alone, without a parameter.
func TestFirefox(t *testing.T) {
	type report struct {
		Failed, Reason, Extensions, Agent string
		Echoed, Code                      int
	}
	for n := range policies[:3] {
		reports := make(chan report, 100)
		o := websockets.Strict()
		o.Compression = &policies[n]
		stats := make(chan websockets.Stats, 1)
		mux := http.NewServeMux()
		mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte(firefoxPage))
		})
		mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
			var got report
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
				t.Error(err)
			}
			reports <- got
		})
		mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
			c, err := websockets.Accept(w, r, o)
			if err != nil {
				t.Error(err)
				return
			}
			for err == nil {
				var typ websockets.MessageType
				var p []byte
				if typ, p, err = c.Receive(r.Context()); err == nil {
					err = c.Send(r.Context(), typ, p)
				}
			}
			stats <- c.Stats()
		})
		s := httptest.NewServer(mux)
		t.Cleanup(s.Close)
		profile := t.TempDir()
		// No page of Firefox's own comes up, and it asks nobody for anything.
		const preferences = `user_pref("browser.aboutwelcome.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("app.update.enabled", false);
`
		if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences), 0o600); err != nil {
			t.Fatal(err)
		}
		start(t, "firefox-esr", "--headless", "--no-remote", "--profile", profile, s.URL)
		select {
		case got := <-reports:
			if got.Failed != "" || got.Echoed != 24 || got.Code != 4999 || got.Extensions == "" {
				t.Errorf("policy %d: %+v", n, got)
			}
			t.Logf("%s: %s", got.Agent, got.Extensions)
		case <-time.After(patience):
			t.Fatal("nothing came from Firefox")
		}
		if s := <-stats; s.PayloadReceived-s.BytesReceived < 1<<20 {
			t.Errorf("policy %d: little is saved: %+v", n, s)
		}
	}
}
