package main

import (
	"net"

	"github.com/gorilla/websocket"
)

// acceptAll makes a server's connection for each client in ../c/crowd.c.
func acceptAll(b *bench) []*websocket.Conn {
	conns := make([]*websocket.Conn, b.connections)
	for i := range conns {
		conn, err := net.Dial("unix", "@"+b.address)
		must(err)
		conns[i] = accept(b, conn)
	}
	return conns
}

func writeToAll(b *bench, conns []*websocket.Conn) {
	if !b.prepared {
		for _, conn := range conns {
			must(conn.WriteMessage(b.kind, b.payload))
		}
		return
	}
	message, err := websocket.NewPreparedMessage(b.kind, b.payload)
	must(err)
	for _, conn := range conns {
		must(conn.WritePreparedMessage(message))
	}
}

// broadcast writes each message to all connections, one after the other, in the bursts of ../c/reach.h.
func broadcast(b *bench, m *meter) {
	control := socket(b.fd)
	conns := acceptAll(b)
	emptied := make([]byte, 1)
	_, err := control.Read(emptied)
	must(err)
	most, burst := 1, 0
	if len(conns) < 32 {
		most = 32
	}
	for left := b.messages; left > 0; left -= burst {
		burst = most
		if burst > left {
			burst = left
		}
		m.begin()
		for i := 0; i < burst; i++ {
			writeToAll(b, conns)
		}
		m.end()
		_, err = control.Write(emptied)
		must(err)
		_, err = control.Read(emptied)
		must(err)
	}
}
