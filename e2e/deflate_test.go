//go:build e2e

package e2e

import "testing"

// Foreign clients that compress, as browsers do, talk to a server that does.
func TestServeCompresses(t *testing.T) {
	for _, how := range []string{"nct", "ct"} {
		t.Run(how, func(t *testing.T) {
			s := serve(t, "--deflate", how)
			for _, i := range foreignClients {
				t.Run(i.name, func(t *testing.T) {
					c := i.connect(t, s.url("/echo"))
					echoes(t, c)
					for _, kind := range []string{"text", "binary"} {
						for _, size := range []int{0, 1, 100, 5000, 1 << 20} {
							p := payload(kind, size)
							c.send(kind, p)
							want(t, c, event{Kind: kind, Data: p})
						}
					}
					c.close(4999, "good bye")
					wantClose(t, c, 4999)
				})
			}
			s.logs("msg=opened", "deflate=true")
		})
	}
}
