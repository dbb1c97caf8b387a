package websockets

import "net"

// CarrierOf returns the connection under a Conn that was dialled.
func CarrierOf(c *Conn) net.Conn {
	return c.t.Stream().(interface{ NetConn() net.Conn }).NetConn()
}
