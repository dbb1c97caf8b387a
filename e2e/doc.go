// Package e2e runs the commands of this repository against other WebSocket
// implementations: pages in headless Chromium and Firefox, the ws and undici packages of
// npm, websockets and aiohttp of Python, each on both sides, and with nginx,
// squid, tinyproxy and microsocks between. Over HTTP/2 there are undici, Deno,
// hypercorn and libwebsockets, with haproxy and nghttpx between; and over HTTP/2 and
// HTTP/3, Chromium. It also holds the commands to what their
// help says, and the servers to what RFC 6455 says of peers that break it.
//
// The tests need those peers, so they hide behind a build tag:
//
//	npm --prefix e2e/peers ci
//	apt-get install chromium firefox-esr nginx squid tinyproxy microsocks haproxy nghttp2-proxy \
//		libwebsockets-test-server python3-websockets python3-aiohttp python3-hypercorn
//	go test -tags e2e ./e2e/
//
// A peer that is missing fails its tests.
//
// With -core wasm behind it, the servers under test, websockets serve and that for
// Autobahn, have their protocol core in WebAssembly. All else is as without.
package e2e
