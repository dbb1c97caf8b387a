//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// nghttpx listens and connects with parameters.
func nghttpx(frontend, backend string) func(t *testing.T, upstream string) string {
	return func(t *testing.T, upstream string) string {
		t.Helper()
		return listens(t, func(host string) *process {
			certFile, keyFile := certificate(t)
			timeout := fmt.Sprintf("%dms", gatewayTimeout.Milliseconds())
			return start(t, "nghttpx", "--conf=/dev/null", "--single-process", "--no-ocsp", "--log-level=WARN",
				"--accesslog-file=/dev/null",
				"--frontend="+strings.Replace(host, ":", ",", 1)+";"+frontend,
				"--backend="+strings.Replace(upstream, ":", ",", 1)+";/;"+backend,
				"--frontend-read-timeout="+timeout, "--frontend-http2-read-timeout="+timeout, "--stream-read-timeout="+timeout,
				"--backend-read-timeout="+timeout,
				keyFile, certFile)
		})
	}
}
