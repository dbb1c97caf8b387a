module github.com/fb1e3c20/websockets

go 1.26
