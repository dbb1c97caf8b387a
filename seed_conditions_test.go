package websockets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fb1e3c20/websockets"
)

// wantCondition has a server meet what wire is, and checks how it closes, what
// it reports, and that it does so only when told to.
func wantCondition(t *testing.T, wire string, kind websockets.Kind, code websockets.CloseCode) {
	t.Helper()
	for _, all := range []bool{true, false} {
		o, reported := reporting(all)
		p := upgraded(t, websockets.Handle(echo, o))
		p.send(wire)
		p.wantClose(code)
		p.finish()
		if !all {
			if len(reported) > 0 {
				t.Errorf("%.20q: reported %v", wire, <-reported)
			}
			continue
		}
		err := <-reported
		e, ok := errors.AsType[*websockets.Error](err)
		if !ok || !errors.Is(err, kind) || e.Code != code {
			t.Errorf("%.20q: reported %#v, want %v with %v", wire, err, kind, code)
		}
	}
}

func seedWebsocketError(t *testing.T) {
	for wire, kind := range map[string]websockets.Kind{
		masked(0xc1, ""):         websockets.ErrReservedBits,
		masked(0x88, "\x03\xe8"): websockets.ErrClosed,
		masked(0x81, "cut")[:7]:  websockets.ErrLost,
	} {
		ended := make(chan error, 1)
		p := upgraded(t, websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
			_, _, err := c.Receive(ctx)
			ended <- err
			return err
		}, zero()))
		p.send(wire)
		p.stream.CloseWrite()
		err := fmt.Errorf("wrapped: %w", <-ended)
		if e, ok := errors.AsType[*websockets.Error](err); !ok || e.Kind != kind || !errors.Is(err, kind) {
			t.Errorf("%v, want %v", err, kind)
		}
	}
}

func seedProtocolError(t *testing.T) {
	for _, wire := range []string{
		masked(0x83, ""), masked(0x8b, ""), // bad opcode
		masked(0x91, ""),                                                             // reserved bit
		masked(0x89, strings.Repeat("p", 126)),                                       // long control frame
		masked(0x88, "\x03"),                                                         // half a close code
		masked(0x88, "\x03\xe7"), masked(0x88, "\x03\xed"), masked(0x88, "\x0b\xb7"), // bad close codes: 999, 1005, 2999
		masked(0x80, ""),                      // continuation of nothing
		masked(0x01, "a") + masked(0x81, "b"), // a message within a message
		masked(0x09, ""),                      // fragmented control frame
	} {
		wantCondition(t, wire, websockets.ErrProtocol, websockets.ProtocolError)
	}
}

func seedReservedBits(t *testing.T) {
	for _, first := range []byte{0xc1, 0xa1, 0x91, 0xc9, 0xf8} {
		wantCondition(t, masked(first, ""), websockets.ErrReservedBits, websockets.ProtocolError)
	}
}

func seedInvalidData(t *testing.T) {
	wantCondition(t, masked(0x81, "\xc0"), websockets.ErrInvalidData, websockets.InvalidData)
	wantCondition(t, masked(0x81, "\xc3"), websockets.ErrInvalidData, websockets.InvalidData)
	wantCondition(t, masked(0x88, "\x03\xe8\xff"), websockets.ErrInvalidData, websockets.InvalidData)
}

func seedMessageTooLarge(t *testing.T) {
	wantCondition(t, header(0x82, 1<<20+1), websockets.ErrMessageTooLarge, websockets.MessageTooBig)
	wantCondition(t, masked(0x02, "a")+header(0x80, 1<<20), websockets.ErrMessageTooLarge, websockets.MessageTooBig)
}

func seedConnectionTimeoutError(t *testing.T) {
	wantCondition(t, "", websockets.ErrConnectionTimeout, websockets.GoingAway)
}

func seedInvalidOptype(t *testing.T) {
	o, reported := reporting(false)
	p := upgraded(t, websockets.Handle(func(ctx context.Context, c *websockets.Conn) error {
		return c.Send(ctx, 3, nil)
	}, o))
	p.wantClose(websockets.InternalError)
	if err := <-reported; !errors.Is(err, websockets.ErrInvalidOpcode) {
		t.Error(err)
	}
}

func seedUnexpectedError(t *testing.T) {
	boom := errors.New("boom")
	for _, h := range []websockets.HandlerFunc{
		func(context.Context, *websockets.Conn) error { return boom },
		func(context.Context, *websockets.Conn) error { panic(boom) },
	} {
		o, reported := reporting(false)
		p := upgraded(t, websockets.Handle(h, o))
		p.wantClose(websockets.InternalError)
		err := <-reported
		e, ok := errors.AsType[*websockets.Error](err)
		if !ok || e.Kind != websockets.ErrUnexpected || e.Code != websockets.InternalError || !strings.Contains(err.Error(), "boom") {
			t.Errorf("reported %#v", err)
		}
	}
}

func seedMissingUpgradeHeader(t *testing.T) {
	for _, right := range []string{"Upgrade: websocket\r\n", "Connection: Upgrade\r\n"} {
		for _, wrong := range []string{"", strings.Replace(right, ": ", ": h2c-", 1)} {
			o, reported := reporting(true)
			p, resp := request(t, websockets.Handle(echo, o), strings.Replace(validRequest, right, wrong, 1))
			if resp.StatusCode != http.StatusUpgradeRequired {
				t.Errorf("without %q: %d", right, resp.StatusCode)
			}
			err := <-reported
			for _, kind := range []websockets.Kind{websockets.ErrMissingUpgrade, websockets.ErrHandshake} {
				if !errors.Is(err, kind) {
					t.Errorf("without %q: %v is not %v", right, err, kind)
				}
			}
			if body, _ := io.ReadAll(resp.Body); bytes.Contains(body, []byte("\x88")) {
				t.Errorf("a close frame in %q", body)
			}
			p.finish()
		}
	}
}

func seedCloseTimeoutError(t *testing.T) {
	o, reported := reporting(true)
	p := upgraded(t, websockets.Handle(func(context.Context, *websockets.Conn) error { return nil }, o))
	err := <-reported
	e, ok := errors.AsType[*websockets.Error](err)
	if !ok || e.Kind != websockets.ErrCloseTimeout || !e.Timeout() {
		t.Errorf("reported %#v", err)
	}
	p.wantAfter(5 * time.Second)
}
