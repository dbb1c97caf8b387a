//go:build e2e

package e2e

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport/http2"
)

// nginx runs a reverse proxy in front of a server, set up as nginx's own manual
// says for WebSocket, and returns its HOST:PORT.
func nginx(t *testing.T, upstream string) string {
	t.Helper()
	return nginxThat(t, upstream, "listen {host};")
}

// nginxHTTP2 is nginx with TLS, where it speaks HTTP/2 as well.
func nginxHTTP2(t *testing.T, upstream string) string {
	t.Helper()
	certFile, keyFile := certificate(t)
	return nginxThat(t, upstream, fmt.Sprintf("listen {host} ssl http2; ssl_certificate %q; ssl_certificate_key %q;", certFile, keyFile))
}

// nginxThat is nginx whose configuration says how to listen at {host}.
func nginxThat(t *testing.T, upstream, listen string) string {
	t.Helper()
	return listens(t, func(host string) *process {
		conf := nginxConf(t, strings.ReplaceAll(listen, "{host}", host), upstream)
		return start(t, "nginx", "-e", "stderr", "-p", t.TempDir(), "-c", conf)
	})
}

func nginxConf(t *testing.T, listen, upstream string) string {
	t.Helper()
	dir := t.TempDir()
	return write(t, dir, "nginx.conf", fmt.Sprintf(`
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
	map $http_upgrade $connection_upgrade {
		default upgrade;
		'' close;
	}
	server {
		%[2]s
		location / {
			proxy_pass http://%[3]s;
			proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
			proxy_set_header Host $http_host;
		}
	}
}
`, dir, listen, upstream))
}

// answers reports whether a process accepts connections before it ends.
func answers(p *process, host string) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", host); err == nil {
			conn.Close()
			return true
		}
		select {
		case <-p.exited:
			return false
		default:
		}
	}
	return false
}

func TestNginxBeforeServe(t *testing.T) {
	s := serve(t)
	proxy := nginx(t, s.host)
	for _, i := range foreignClients {
		t.Run(i.name, func(t *testing.T) {
			c := i.connect(t, "ws://"+proxy+"/echo")
			echoes(t, c)
			if i.pings {
				c.send("ping", []byte("through"))
				want(t, c, event{Kind: "pong", Data: []byte("through")})
			}
			c.close(4001, "so long")
			wantClose(t, c, 4001)
		})
	}
	s.stop()
}

func TestNginxBeforeForeignServer(t *testing.T) {
	for _, i := range foreignServers {
		t.Run(i.name, func(t *testing.T) {
			far, host := i.listen(t)
			c := connect(t, "ws://"+nginx(t, host)+"/")
			want(t, far, event{Kind: "open"})
			converse(t, c, far, "text")
			far.send("ping", []byte("through"))
			want(t, far, event{Kind: "pong", Data: []byte("through")})
			far.close(4001, "so long")
			c.ends(0)
			c.complains("4001", "so long")
			wantClose(t, far, 4001)
		})
	}
}

// nginx speaks HTTP/2, but takes no WebSockets over it: that is no reason to fail.
func TestNginxWithoutExtendedConnect(t *testing.T) {
	s := serve(t)
	url := "wss://" + nginxHTTP2(t, s.host) + "/echo"
	t.Run("connect", func(t *testing.T) {
		c := connect(t, url, "--insecure")
		c.send("text", []byte("hello"))
		want(t, c, event{Kind: "text", Data: []byte("hello")})
		c.close(1000, "")
		c.ends(0)
		c.complains("connected to " + url + "\n") // over HTTP/1.1, which goes without saying
	})
	t.Run("connect --http2", func(t *testing.T) {
		c := connect(t, url, "--insecure", "--http2")
		c.ends(1)
		c.complains(url, http2.ErrNoExtendedConnect.Error())
	})
	t.Run("a Dialer", func(t *testing.T) {
		o := websockets.Strict()
		o.TLSConfig = &tls.Config{InsecureSkipVerify: true}
		d := &websockets.Dialer{Options: o}
		for range 2 { // the second time it knows
			c, err := d.Dial(library{t: t}.context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			if proto := c.Response().Proto; proto != "HTTP/1.1" {
				t.Errorf("connected over %s", proto)
			}
			echoes(t, library{t, c})
		}
	})
	t.Run("a Dialer that wants HTTP/2", func(t *testing.T) {
		o := websockets.Strict()
		o.TLSConfig, o.HTTP = &tls.Config{InsecureSkipVerify: true}, websockets.HTTP2
		_, err := websockets.Dial(library{t: t}.context(), url, o)
		if !errors.Is(err, http2.ErrNoExtendedConnect) {
			t.Error(err)
		}
	})
}
