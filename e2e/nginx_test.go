//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// nginx runs a reverse proxy in front of a server, set up as nginx's own manual
// says for WebSocket, and returns its HOST:PORT.
func nginx(t *testing.T, upstream string) string {
	t.Helper()
	for range 3 { // someone may take the port before nginx does
		host := freePort(t)
		p := start(t, "nginx", "-e", "stderr", "-p", t.TempDir(), "-c", nginxConf(t, host, upstream))
		if answers(p, host) {
			return host
		}
	}
	t.Fatal("nginx does not start")
	return ""
}

func nginxConf(t *testing.T, host, upstream string) string {
	t.Helper()
	dir := t.TempDir()
	conf := fmt.Sprintf(`
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
		listen %[2]s;
		location / {
			proxy_pass http://%[3]s;
			proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
			proxy_set_header Host $http_host;
		}
	}
}
`, dir, host, upstream)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
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
