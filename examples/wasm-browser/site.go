package main

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"time"

	"github.com/fb1e3c20/websockets/wasm"
)

//go:embed page
var content embed.FS

// newSite serves the page and the module. The page may load nothing from
// elsewhere, and may compile the module.
func newSite() http.Handler {
	files, err := fs.Sub(content, "page")
	if err != nil {
		panic(err) // it is compiled in
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /core.wasm", module)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src data:; "+
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	})
}

// module serves the module with the type that compileStreaming asks for.
func module(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/wasm")
	http.ServeContent(w, r, "core.wasm", time.Time{}, bytes.NewReader(wasm.Module()))
}
