// Package tcp makes byte streams of sockets: dialled, accepted, or taken over
// from net/http.
package tcp
