package main

import (
	"bufio"
	"net"
	"net/http"
	"os"

	"github.com/gorilla/websocket"
)

const url = "ws://localhost/"

// hijacker stands in for net/http, so that a server's connection can be made of any net.Conn.
type hijacker struct {
	http.ResponseWriter
	conn net.Conn
	both *bufio.ReadWriter
}

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return h.conn, h.both, nil }

// accept does the server's part of the handshake with a request that arrives on the connection.
func accept(b *bench, conn net.Conn) *websocket.Conn {
	both := bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
	request, err := http.ReadRequest(both.Reader)
	must(err)
	upgrader := websocket.Upgrader{EnableCompression: b.deflate}
	ws, err := upgrader.Upgrade(hijacker{conn: conn, both: both}, request, nil)
	must(err)
	return ws
}

// dial does the client's part.
func dial(b *bench, conn net.Conn) *websocket.Conn {
	dialer := websocket.Dialer{
		EnableCompression: b.deflate,
		NetDial:           func(string, string) (net.Conn, error) { return conn, nil },
	}
	ws, _, err := dialer.Dial(url, nil)
	must(err)
	return ws
}

// socket is a net.Conn over a descriptor, which it takes.
func socket(fd int) net.Conn {
	file := os.NewFile(uintptr(fd), "socket")
	defer file.Close()
	conn, err := net.FileConn(file)
	must(err)
	return conn
}

// open makes a connection in the role of the arguments over their socket.
func open(b *bench) *websocket.Conn {
	if b.isClient {
		return dial(b, socket(b.fd))
	}
	return accept(b, socket(b.fd))
}
