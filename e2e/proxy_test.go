//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fb1e3c20/websockets"
)

// The user of the proxies. The hash is from openssl passwd -apr1.
const (
	user         = "me"
	password     = "secret"
	passwordHash = "$apr1$websocke$6V6IHQy0Ei7IfeMH7E5sk1"
)

// A proxyKind is a proxy of other people's making.
type proxyKind struct {
	name   string
	scheme string
	start  func(t *testing.T, certFile, keyFile string) (host string)

	// What an error says when the password is wrong, none if there is no
	// password, and when nobody listens behind the proxy.
	denied, refused string
}

var proxyKinds = []proxyKind{
	{"squid", "http", squid("http_port %s"), "it answered CONNECT with 407 Proxy Authentication Required", "it answered CONNECT with 503 Service Unavailable"},
	{"squid-tls", "https", squid("https_port %s tls-cert=%s tls-key=%s"), "it answered CONNECT with 407 Proxy Authentication Required", "it answered CONNECT with 503 Service Unavailable"},
	{"tinyproxy", "http", tinyproxy, "it answered CONNECT with 401 Unauthorized", "it answered CONNECT with 500 Internal Server Error"},
	{"microsocks", "socks5", microsocks(), "", "connection refused"},
	{"microsocks-password", "socks5h", microsocks("-u", user, "-P", password), "authentication failed", "connection refused"},
}

// squid listens as a line of its configuration says. It finds chat.test on this
// machine.
func squid(listen string) func(t *testing.T, certFile, keyFile string) string {
	return func(t *testing.T, certFile, keyFile string) string {
		t.Helper()
		dir := publicDir(t)
		users := write(t, dir, "users", user+":"+passwordHash+"\n")
		hosts := write(t, dir, "hosts", "127.0.0.1 chat.test\n")
		cert, key := copied(t, certFile, dir, "cert.pem"), copied(t, keyFile, dir, "key.pem")
		return listens(t, func(host string) *process {
			conf := write(t, dir, "squid.conf", fmt.Sprintf(`
`+listen+`
auth_param basic program /usr/lib/squid/basic_ncsa_auth %[4]s
auth_param basic children 1
acl known proxy_auth REQUIRED
http_access allow known
hosts_file %[5]s
pid_filename none
cache_log /dev/null
access_log none
cache deny all
pinger_enable off
visible_hostname proxy.test
max_filedescriptors 1024
shutdown_lifetime 0
`, host, cert, key, users, hosts))
			name := "websockets" + filepath.Base(dir)
			p := start(t, "squid", "-N", "-n", name, "-d", "1", "-f", conf)
			t.Cleanup(func() {
				_ = p.cmd.Process.Signal(syscall.SIGTERM)
				<-p.exited
				left, _ := filepath.Glob("/dev/shm/" + name + "-*") // what it cannot remove as another user
				for _, file := range left {
					os.Remove(file)
				}
			})
			return p
		})
	}
}

func tinyproxy(t *testing.T, _, _ string) string {
	t.Helper()
	return listens(t, func(host string) *process {
		_, port, _ := net.SplitHostPort(host)
		conf := write(t, t.TempDir(), "tinyproxy.conf", fmt.Sprintf(`
Listen 127.0.0.1
Port %s
Timeout 60
MaxClients 20
LogLevel Critical
BasicAuth %s %s
`, port, user, password))
		return start(t, "tinyproxy", "-d", "-c", conf)
	})
}

func microsocks(args ...string) func(t *testing.T, certFile, keyFile string) string {
	return func(t *testing.T, _, _ string) string {
		t.Helper()
		return listens(t, func(host string) *process {
			_, port, _ := net.SplitHostPort(host)
			return start(t, "microsocks", append([]string{"-i", "127.0.0.1", "-p", port}, args...)...)
		})
	}
}

// listens returns the HOST:PORT that a process was started on.
func listens(t *testing.T, start func(host string) *process) string {
	t.Helper()
	for range 3 { // someone may take the port before
		host := freePort(t)
		if answers(start(host), host) {
			return host
		}
	}
	t.Fatal("the proxy does not start")
	return ""
}

// publicDir returns a directory that other users can read.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func write(t *testing.T, dir, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func copied(t *testing.T, file, dir, name string) (path string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, dir, name, string(content))
}

// trusting is TLS that trusts a certificate.
func trusting(t *testing.T, certFile string) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(certFile)
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate in %s: %v", certFile, err)
	}
	return &tls.Config{RootCAs: roots}
}

func TestProxies(t *testing.T) {
	certFile, keyFile := certificate(t)
	secureHost := serveTLS(t, certFile, keyFile).host
	for _, kind := range proxyKinds {
		t.Run(kind.name, func(t *testing.T) {
			p := proxy{kind, kind.start(t, certFile, keyFile), trusting(t, certFile)}
			t.Run("ws", func(t *testing.T) {
				theirs, host := pythonWebsockets.listen(t)
				meet(t, true, func(t *testing.T) (library, peer) {
					ours := p.dial(t, "ws://"+host+"/any?path=1")
					want(t, theirs, event{Kind: "open"})
					return ours, theirs
				})
			})
			t.Run("wss", func(t *testing.T) {
				ours := p.dial(t, "wss://"+secureHost+"/echo")
				echoes(t, ours)
				ours.close(4001, "so long")
			})
			t.Run("nobody behind", func(t *testing.T) {
				p.fails(t, "ws://"+freePort(t)+"/", url.UserPassword(user, password), kind.refused)
			})
			t.Run("wrong password", func(t *testing.T) {
				if kind.denied != "" {
					p.fails(t, "wss://"+secureHost+"/", url.UserPassword(user, "wrong"), kind.denied)
				}
			})
		})
	}
}

// A proxy is one that runs.
type proxy struct {
	proxyKind
	host string
	tls  *tls.Config
}

func (p proxy) options(as *url.Userinfo) *websockets.Options {
	o := websockets.Strict()
	o.TLSConfig = p.tls
	o.Proxy = http.ProxyURL(&url.URL{Scheme: p.scheme, User: as, Host: p.host})
	return o
}

func (p proxy) dial(t *testing.T, rawURL string) library {
	t.Helper()
	c, err := websockets.Dial(library{t: t}.context(), rawURL, p.options(url.UserPassword(user, password)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return library{t, c}
}

// fails checks that the error of Dial says which proxy and why, and not the
// password.
func (p proxy) fails(t *testing.T, rawURL string, as *url.Userinfo, want string) {
	t.Helper()
	_, err := websockets.Dial(library{t: t}.context(), rawURL, p.options(as))
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{rawURL, "proxy " + p.scheme + "://" + p.host + ": ", want} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("Dial: %v; want %q", err, part)
		}
	}
	if secret, _ := as.Password(); strings.Contains(err.Error(), secret) {
		t.Errorf("the error tells the password: %v", err)
	}
}

// The proxies of the environment are used by every client that says nothing
// else, names are for the proxy to find, and TLS is spoken to the proxy too.
func TestProxyFromEnvironment(t *testing.T) {
	certFile, keyFile := certificate(t)
	t.Setenv("SSL_CERT_FILE", certFile)
	s := serve(t)
	_, port, _ := net.SplitHostPort(s.host)
	for _, kind := range proxyKinds[:2] {
		t.Run(kind.name, func(t *testing.T) {
			u := url.URL{Scheme: kind.scheme, User: url.UserPassword(user, password), Host: kind.start(t, certFile, keyFile)}
			t.Setenv("HTTP_PROXY", u.String())
			c := connect(t, "ws://chat.test:"+port+"/echo")
			c.say("hello")
			want(t, c, event{Kind: "text", Data: []byte("hello")})
			c.close(1000, "")
			c.ends(0)
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Setenv("HTTP_PROXY", "http://"+freePort(t))
		c := connect(t, "ws://chat.test:"+port+"/echo")
		c.ends(1)
		c.complains("connection refused")
	})
	s.stop()
}
