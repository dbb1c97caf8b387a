//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// haproxy listens and connects as parts of its configuration say, in which {pem} is a
// file with certificate and key.
func haproxy(bind, server string) func(t *testing.T, upstream string) string {
	return func(t *testing.T, upstream string) string {
		t.Helper()
		return listens(t, func(host string) *process {
			dir := t.TempDir()
			bind := strings.ReplaceAll(bind, "{pem}", certificateAndKey(t, dir))
			conf := write(t, dir, "haproxy.cfg", fmt.Sprintf(`
defaults
	mode http
	timeout connect 10s
	timeout client %[1]d
	timeout server %[1]d
	timeout tunnel %[1]d
frontend front
	bind %[2]s %[3]s
	default_backend back
backend back
	server one %[4]s %[5]s
`, gatewayTimeout.Milliseconds(), host, bind, upstream, server))
			return start(t, "haproxy", "-db", "-f", conf)
		})
	}
}

// certificateAndKey makes one file of both.
func certificateAndKey(t *testing.T, dir string) string {
	t.Helper()
	certFile, keyFile := certificate(t)
	var both []byte
	for _, file := range []string{certFile, keyFile} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, data...)
	}
	return write(t, dir, "both.pem", string(both))
}
