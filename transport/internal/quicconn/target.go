package quicconn

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
)

// Address returns where the server of u listens: its host and its port, 443 if it
// names none.
func Address(u *url.URL) string {
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443"))
}

// Key tells servers apart by address, and by whom c trusts and who it says the
// client is. Clones of a configuration have the same key. Functions of it count
// only as there or not: they cannot be compared.
func Key(addr string, c *tls.Config) string {
	return fmt.Sprintf("%s %q %t %p %p %d %t %t %t", addr, c.ServerName, c.InsecureSkipVerify, c.RootCAs, c.Certificates, len(c.Certificates),
		c.GetClientCertificate != nil, c.VerifyPeerCertificate != nil, c.VerifyConnection != nil)
}
