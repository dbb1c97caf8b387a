package core

import (
	"errors"
	"strings"
	"testing"

	"github.com/fb1e3c20/websockets/core/frame"
)

// allErrors is every error with what is documented about it.
var allErrors = []struct {
	err    Error
	kind   Kind
	code   frame.CloseCode
	status int
}{
	{ErrNotOpen, KindMisuse, 1006, 0},
	{ErrCloseSent, KindMisuse, 1006, 0},
	{ErrInvalidOpcode, KindMisuse, 1006, 0},
	{ErrMessageInProgress, KindMisuse, 1006, 0},
	{ErrNoMessage, KindMisuse, 1006, 0},
	{ErrControlTooLong, KindMisuse, 1006, 0},
	{ErrUnsendableCode, KindMisuse, 1006, 0},
	{ErrInvalidText, KindMisuse, 1006, 0},
	{ErrTooLong, KindMisuse, 1006, 0},
	{ErrNoRequest, KindMisuse, 1006, 0},
	{ErrHandshakeOption, KindMisuse, 1006, 0},
	{ErrSubprotocolNotOffered, KindMisuse, 1006, 0},

	{ErrReservedBits, KindViolation, 1002, 0},
	{ErrOpcode, KindViolation, 1002, 0},
	{ErrMaskRequired, KindViolation, 1002, 0},
	{ErrMaskForbidden, KindViolation, 1002, 0},
	{ErrLengthNotMinimal, KindViolation, 1002, 0},
	{ErrLengthTopBit, KindViolation, 1002, 0},
	{ErrControlFragmented, KindViolation, 1002, 0},
	{ErrControlLength, KindViolation, 1002, 0},
	{ErrUnexpectedContinuation, KindViolation, 1002, 0},
	{ErrExpectedContinuation, KindViolation, 1002, 0},
	{ErrCloseLength, KindViolation, 1002, 0},
	{ErrCloseCode, KindViolation, 1002, 0},
	{ErrCloseReason, KindViolation, 1007, 0},
	{ErrInvalidUTF8, KindViolation, 1007, 0},
	{ErrFrameTooBig, KindViolation, 1009, 0},
	{ErrMessageTooBig, KindViolation, 1009, 0},
	{ErrTooManyFragments, KindViolation, 1008, 0},
	{ErrControlFlood, KindViolation, 1008, 0},

	{ErrHandshakeTimeout, KindTimeout, 1006, 408},
	{ErrPongTimeout, KindTimeout, 1001, 0},
	{ErrConnectionTimeout, KindTimeout, 1001, 0},
	{ErrWriteTimeout, KindTimeout, 1006, 0},
	{ErrCloseTimeout, KindTimeout, 1006, 0},

	{ErrLost, KindLost, 1006, 0},
	{ErrHandshakeLost, KindLost, 1006, 0},

	{ErrInflate, KindViolation, 1007, 0},
	{ErrBadRequest, KindHandshake, 1006, 400},
	{ErrMethod, KindHandshake, 1006, 405},
	{ErrHTTPVersion, KindHandshake, 1006, 505},
	{ErrHost, KindHandshake, 1006, 400},
	{ErrRequestBody, KindHandshake, 1006, 400},
	{ErrUpgradeHeader, KindHandshake, 1006, 426},
	{ErrConnectionHeader, KindHandshake, 1006, 426},
	{ErrVersion, KindHandshake, 1006, 426},
	{ErrKey, KindHandshake, 1006, 400},
	{ErrProtocolHeader, KindHandshake, 1006, 400},
	{ErrExtensionsHeader, KindHandshake, 1006, 400},
	{ErrHeadTooBig, KindHandshake, 1006, 431},
	{ErrRejected, KindHandshake, 1006, 0},
	{ErrBadResponse, KindHandshake, 1006, 0},
	{ErrStatus, KindHandshake, 1006, 0},
	{ErrResponseUpgrade, KindHandshake, 1006, 0},
	{ErrAcceptKey, KindHandshake, 1006, 0},
	{ErrResponseProtocol, KindHandshake, 1006, 0},
	{ErrResponseExtension, KindHandshake, 1006, 0},
	{ErrConnectMethod, KindHandshake, 1006, 405},
	{ErrConnectProtocol, KindHandshake, 1006, 501},
	{ErrConnectStatus, KindHandshake, 1006, 0},
}

func TestErrors(t *testing.T) {
	texts := map[string]Error{}
	listed := map[Error]bool{0: true}
	for _, tt := range allErrors {
		e := tt.err
		listed[e] = true
		if e.Kind() != tt.kind || e.CloseCode() != tt.code || e.Status() != tt.status {
			t.Errorf("%v: kind %d, close code %d, status %d; want %d, %d, %d",
				e, e.Kind(), e.CloseCode(), e.Status(), tt.kind, tt.code, tt.status)
		}
		if e.Reason() == "" || e.Error() != "websocket: "+e.Reason() {
			t.Errorf("error %d: reason %q, text %q", uint8(e), e.Reason(), e.Error())
		}
		if other, twice := texts[e.Error()]; twice {
			t.Errorf("errors %d and %d share a text", uint8(e), uint8(other))
		}
		texts[e.Error()] = e
		if len(e.Reason()) > frame.MaxReason || strings.TrimSpace(e.Reason()) != e.Reason() {
			t.Errorf("%q does not fit into a close frame", e.Reason())
		}
		if !errors.Is(error(e), e) || error(e) != error(tt.err) {
			t.Errorf("%v does not match itself", e)
		}
	}
	for i := range 256 {
		e := Error(i)
		if listed[e] {
			continue
		}
		if e.Reason() != "" || e.Error() != "websocket: unknown error" {
			t.Errorf("error %d is not in the table: %q", i, e.Error())
		}
	}
	if Error(0).Kind() != KindNone {
		t.Error("no error has a kind")
	}
}

func TestErrorsDoNotAllocate(t *testing.T) {
	var sink error
	if n := testing.AllocsPerRun(100, func() {
		for _, tt := range allErrors {
			sink = tt.err
			_ = sink.Error()
		}
	}); n > float64(len(allErrors)) {
		t.Errorf("%v allocations for the texts of %d errors", n, len(allErrors))
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, tt := range allErrors {
			sink = tt.err
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Every error of the frame layer has its counterpart here, with the same close
// code.
func TestFrameErrors(t *testing.T) {
	for e := frame.ErrReservedBits; e <= frame.ErrCloseReason; e++ {
		if got := frameError(e); got.Kind() != KindViolation || got.CloseCode() != e.CloseCode() {
			t.Errorf("%v became %v", e, got)
		}
	}
}
