//go:build e2e

package e2e

import (
	"fmt"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// site runs nginx as sites are set up: whoever comes without TLS is sent to it,
// old paths lead to new ones, and a cookie is handed out on the way to a server
// behind it. It returns the HOST:PORT without TLS and that with.
func site(t *testing.T, upstream, certFile, keyFile string) (plain, secure string) {
	t.Helper()
	dir := t.TempDir()
	plain = listens(t, func(host string) *process {
		secure = freePort(t)
		conf := write(t, dir, "nginx.conf", fmt.Sprintf(`
daemon off;
master_process off;
pid %[1]s/pid;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]s;
		location / {
			if ($http_authorization = '') { return 401; }
			return 301 https://%[3]s$request_uri;
		}
	}
	server {
		listen %[3]s ssl;
		ssl_certificate "%[4]s";
		ssl_certificate_key "%[5]s";
		absolute_redirect off;
		location = /old {
			if ($http_authorization) { return 418; }
			add_header Set-Cookie "visited=old; Path=/; Secure" always;
			return 308 /echo;
		}
		location = /insecure { return 302 http://%[2]s/echo; }
		location = /circle { return 307 /circle; }
		location = /echo {
			if ($cookie_visited != old) { return 403; }
			proxy_pass http://%[6]s;
			proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection upgrade;
		}
	}
}
`, dir, host, secure, certFile, keyFile, upstream))
		return start(t, "nginx", "-e", "stderr", "-p", dir, "-c", conf)
	})
	return plain, secure
}

// From plain HTTP to TLS, from an old path to a new one, with a cookie and
// without the password that was meant for the first.
func TestRedirects(t *testing.T) {
	certFile, keyFile := certificate(t)
	s := serve(t)
	plain, secure := site(t, s.host, certFile, keyFile)
	options := func() *websockets.Options {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		o := websockets.Strict()
		o.TLSConfig = trusting(t, certFile)
		o.Jar = jar
		return o
	}

	c, err := websockets.Dial(library{t: t}.context(), "ws://me:secret@"+plain+"/old", options())
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if got, want := c.Response().Request.URL.String(), "https://"+secure+"/echo"; got != want {
		t.Errorf("it led to %s; want %s", got, want)
	}
	ours := library{t, c}
	echoes(t, ours)
	ours.close(4001, "so long")

	withoutJar, noneFollowed := options(), options()
	withoutJar.Jar = nil
	noneFollowed.MaxRedirects = -1
	for _, test := range []struct {
		name, url string
		options   *websockets.Options
		want      string
	}{
		{"without a jar", "wss://" + secure + "/old", withoutJar, "(403 Forbidden)"},
		{"none followed", "wss://" + secure + "/old", noneFollowed, "(308 Permanent Redirect)"},
		{"without a password", "ws://" + plain + "/old", options(), "(401 Unauthorized)"},
		{"back to plain text", "wss://" + secure + "/insecure", options(), "is not encrypted"},
		{"in a circle", "wss://" + secure + "/circle", options(), "after 10 redirects (307 Temporary Redirect)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := websockets.Dial(library{t: t}.context(), test.url, test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Dial: %v; want %q", err, test.want)
			}
		})
	}
	s.stop()
}
