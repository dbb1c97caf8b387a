package main

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed page
var content embed.FS

// newSite serves the page, and the chat at /socket.
func newSite(sockets http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", page())
	mux.Handle("GET /socket", sockets)
	return mux
}

// page serves the page, which may load and connect to nothing but this site.
func page() http.HandlerFunc {
	files, err := fs.Sub(content, "page")
	if err != nil {
		panic(err) // it is compiled in
	}
	server := http.FileServerFS(files)
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "+
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		server.ServeHTTP(w, r)
	}
}
