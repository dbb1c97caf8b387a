// Package frame is the frame layer of the WebSocket protocol: headers, masks,
// UTF-8 and close codes (https://www.rfc-editor.org/rfc/rfc6455#section-5).
//
// It knows frames and nothing of connections: which frame may follow which,
// limits, timers and the closing handshake are matters of the connection
// layer, package core. Use it alone for a proxy, a sniffer, a load generator
// or a test that needs frames no well-behaved endpoint would send.
//
// The package is pure. It reads and writes only what its callers hand in, at
// the moment of the call: no I/O, no clock, no randomness, no package state
// and no allocation, except where an appending function outgrows the slice it
// was given, and for the text of an unregistered close code or opcode. All
// functions may be called from any number of goroutines that do not share
// memory which one of them changes.
//
// # Reading
//
// [ParseHeader], or [Header.Parse], decodes the header at the beginning of
// what has been received, and asks for more bytes by n == 0. [Header.Check]
// then applies the rules that depend on the side: who must mask, which
// reserved bits an extension allows. The payload follows the header,
// Header.Length bytes of it, in whatever pieces it arrives; [Mask.XOR] takes
// the mask off each piece in place.
//
// Header.Length is what the peer declares, up to 2^63-1. Nothing here reserves
// memory because of it, and no caller should.
//
// # Writing
//
// [AppendFrame] appends a whole frame. To spare the copy of a large payload,
// append the header alone ([AppendHeader], or [Header.Append]), mask the
// payload in place with [Mask.XOR] and write the two one after the other. A
// payload that must not change goes through [Mask.Copy].
//
// None of them checks the frame, so that a test can make a wrong one. The mask
// of each frame from a client comes from a strong source of entropy
// (https://www.rfc-editor.org/rfc/rfc6455#section-10.3), which is the
// caller's.
//
// # Text
//
// A [UTF8] follows a text message over pieces and frames, and reports the
// first byte that makes it invalid as soon as that byte is there
// (https://www.rfc-editor.org/rfc/rfc6455#section-8.1). Only at the end of
// the message must [UTF8.Complete] hold.
//
// # Control frames
//
// Control frames have at most [MaxControlPayload] bytes and no fragments. The
// payload of a close frame is a code and a reason: see [ParseClose],
// [AppendClosePayload] and [CloseCode].
//
// # Errors
//
// Every error is an [Error]: a constant that can be compared, and that knows
// the close code with which an endpoint answers ([Error.CloseCode]).
package frame
