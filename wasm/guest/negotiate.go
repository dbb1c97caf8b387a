package main

import (
	"github.com/fb1e3c20/websockets/core"
	"github.com/fb1e3c20/websockets/wasm/internal/abi"
)

const extensionsField = "Sec-WebSocket-Extensions"

// offers puts out what a client offers whose handshake is done elsewhere.
func (x *instance) offers() int32 {
	set, _, code := x.extensions()
	if code < 0 {
		return code
	}
	x.out = append(x.out, set.Offers()...)
	return int32(len(x.out))
}

// negotiate puts out what a server answers to such offers, and returns what has been
// agreed on then.
func (x *instance) negotiate() int32 {
	set, list, code := x.extensions()
	if code < 0 {
		return code
	}
	answer, agreed := set.Negotiate(&core.Request{Fields: list})
	x.out = append(x.out, answer...)
	return int32(abi.AgreementOf(agreed))
}

// chosen returns what has been agreed on when a server has answered so.
func (x *instance) chosen() int32 {
	set, list, code := x.extensions()
	if code < 0 {
		return code
	}
	r := core.Response{Status: 200, Fields: list}
	_, agreed, err := r.CheckConnect(set, nil)
	if err != nil {
		return refusal(err)
	}
	return int32(abi.AgreementOf(agreed))
}

// extensions begins such a call: it returns its settings, and the field that it is about
// unless that is empty.
func (x *instance) extensions() (set *core.Settings, list []core.Field, code int32) {
	x.tidy()
	k := &x.call
	set = x.table.settings(k.h)
	p, ok := x.lent(k.ptr, k.n)
	switch {
	case set == nil:
		return nil, nil, refused(abi.CodeHandle)
	case !ok:
		return nil, nil, refused(abi.CodeRange)
	case !x.affordsRecord(k.n):
		return nil, nil, refused(abi.CodeLimit)
	}
	x.waste(abi.HandshakeCost + 2*k.n)
	if len(p) > 0 {
		list = []core.Field{{Name: extensionsField, Value: text(p)}}
	}
	return set, list, 0
}
