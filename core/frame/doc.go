// Package frame is the frame layer of the WebSocket protocol, RFC 6455
// (https://www.rfc-editor.org/rfc/rfc6455#section-5).
package frame
