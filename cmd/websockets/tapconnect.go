package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/fb1e3c20/websockets"
	"github.com/fb1e3c20/websockets/transport"
	"github.com/fb1e3c20/websockets/transport/http2"
)

// tapConnect serves a request of HTTP/2 or HTTP/3 as s does, with a tap on its
// stream if it gets one.
func (i *inspector) tapConnect(s *websockets.Server, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		s.ServeHTTP(w, r)
		return
	}
	carrier := fmt.Sprintf("HTTP/%d", r.ProtoMajor)
	t := i.tap(nil, opening{target: r.RequestURI, peer: r.RemoteAddr, carrier: carrier})
	t.in.framing, t.out.framing = true, true
	t.publish(event{Kind: "head", Direction: "in", Head: connectHead(carrier, r)})
	s.ServeHTTP(&tapWriter{ResponseWriter: w, r: r, t: t, carrier: carrier}, r.WithContext(context.WithValue(r.Context(), tapKey{}, t)))
	t.ended("stream refused") // unless it has ended
}

// connectHead shows a request in the manner of HTTP/1.1.
func connectHead(carrier string, r *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CONNECT %s %s\r\n:authority: %s\r\n", r.RequestURI, carrier, r.Host)
	protocol := r.Header.Get(":protocol")
	if protocol == "" && !strings.HasPrefix(r.Proto, "HTTP/") {
		protocol = r.Proto // as the server of quic-go has it
	}
	if protocol != "" {
		fmt.Fprintf(&b, ":protocol: %s\r\n", protocol)
	}
	h := r.Header.Clone()
	h.Del(":protocol")
	h.Write(&b)
	return b.String() + "\r\n"
}

// A tapWriter puts the tap on the stream that it hands over.
type tapWriter struct {
	http.ResponseWriter
	r       *http.Request
	t       *tap
	carrier string
}

func (w *tapWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *tapWriter) WriteHeader(status int) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %s\r\n", w.carrier, status, http.StatusText(status))
	w.Header().Write(&b)
	w.t.publish(event{Kind: "head", Direction: "out", Head: b.String() + "\r\n"})
	w.ResponseWriter.WriteHeader(status)
}

// TakeStream is what package websockets calls after an answer of 200.
func (w *tapWriter) TakeStream() (transport.Stream, error) {
	s, err := w.take()
	if err != nil {
		return nil, err
	}
	w.t.Stream = s
	return w.t, nil
}

func (w *tapWriter) take() (transport.Stream, error) {
	if t, ok := w.ResponseWriter.(interface {
		TakeStream() (transport.Stream, error)
	}); ok {
		return t.TakeStream()
	}
	s, err := http2.FromRequest(w.ResponseWriter, w.r)
	if err != nil {
		return nil, err
	}
	return s, nil
}
