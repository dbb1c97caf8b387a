package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"log/slog"
	"net/http"
)

//go:embed page.html
var page []byte

// The page brings all that it needs and may talk to nobody but this server.
var pagePolicy = "default-src 'none'; style-src " + hashOf("style") + "; script-src " + hashOf("script") +
	"; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// hashOf names the content of the page's only such element in a policy.
func hashOf(element string) string {
	_, content, _ := bytes.Cut(page, []byte("<"+element+">"))
	content, _, _ = bytes.Cut(content, []byte("</"+element+">"))
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// pageHandler serves the page, and tells it whether it can inspect.
func pageHandler(inspect bool, log *slog.Logger) http.HandlerFunc {
	content := page
	if !inspect {
		content = bytes.Replace(page, []byte(`data-inspect="on"`), []byte(`data-inspect="off"`), 1)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		log.Info("page", "peer", r.RemoteAddr, "over", carrierOf(r))
		setPageHeader(w.Header())
		w.Write(content)
	}
}

func setPageHeader(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
}
