// The client roles: against an echo server, and against command_server.py.
package main

import (
	"fmt"
	"strings"

	"github.com/gorilla/websocket"
)

// One frame holds the largest message; a small buffer cuts messages into fragments.
var (
	wholeDialer    = websocket.Dialer{HandshakeTimeout: patience, WriteBufferSize: 2 << 20, EnableCompression: true}
	fragmentDialer = websocket.Dialer{HandshakeTimeout: patience, WriteBufferSize: 512}
)

// on runs one case on a connection of its own.
func on(dialer websocket.Dialer, url, name string, run func(conn *websocket.Conn) error) {
	conn, _, err := dialer.Dial(url, nil)
	if err == nil {
		defer conn.Close()
		err = run(conn)
	}
	report(name, err)
}

func echoClient(url string) {
	for _, m := range messages {
		m := m
		on(wholeDialer, url, m.name, func(conn *websocket.Conn) error { return echoed(conn, m) })
	}
	for _, m := range fragmented {
		m := m
		on(fragmentDialer, url, m.name, func(conn *websocket.Conn) error { return echoedInFragments(conn, m, nothing) })
	}
	on(wholeDialer, url, "ping-empty", func(conn *websocket.Conn) error { return ponged(conn, "") })
	on(wholeDialer, url, "ping-125", func(conn *websocket.Conn) error { return ponged(conn, strings.Repeat("p", 125)) })
	on(fragmentDialer, url, "ping-between-fragments", pongedInside)
	on(wholeDialer, url, "in-order", inOrder)
	closeCodes(url)
	offering := wholeDialer
	offering.Subprotocols = []string{"nobody.speaks.this"}
	on(offering, url, "subprotocol-not-spoken", func(conn *websocket.Conn) error {
		if conn.Subprotocol() != "" {
			return fmt.Errorf("subprotocol %q", conn.Subprotocol())
		}
		return echoed(conn, messages[0])
	})
}

// closeCodes closes after one echo, so that the server has both halves in use.
func closeCodes(url string) {
	for _, c := range closings {
		code := c.code
		on(wholeDialer, url, c.name, func(conn *websocket.Conn) error {
			if err := echoed(conn, messages[0]); err != nil {
				return err
			}
			return closing(conn, code, goodReason, true)
		})
	}
}

// holdClient says when it holds a connection, and expects 1001 when the server is told to end.
func holdClient(url string) {
	on(wholeDialer, url, "going-away", func(conn *websocket.Conn) error {
		if err := echoed(conn, messages[0]); err != nil {
			return err
		}
		fmt.Println("holding")
		return closedWith(conn, websocket.CloseGoingAway, nil)
	})
}

func visitingClient(url string) {
	on(wholeDialer, url, "visit", func(conn *websocket.Conn) error { return echoed(conn, messages[0]) })
}

func commandClient(url string) {
	dialer := wholeDialer
	dialer.Subprotocols = []string{"other", "interop.v1"}
	on(dialer, url, "subprotocol", func(conn *websocket.Conn) error {
		if conn.Subprotocol() != "interop.v1" {
			return fmt.Errorf("subprotocol %q instead of interop.v1", conn.Subprotocol())
		}
		return nil
	})
	for name, code := range map[string]int{"they-close-1000": 1000, "they-close-4002": 4002} {
		code := code
		on(dialer, url, name, func(conn *websocket.Conn) error {
			command := fmt.Sprintf("close %d %s", code, goodReason)
			if err := conn.WriteMessage(websocket.TextMessage, []byte(command)); err != nil {
				return err
			}
			reason := goodReason
			return closedWith(conn, code, &reason)
		})
	}
	on(dialer, url, "they-ping", func(conn *websocket.Conn) error {
		if err := conn.WriteMessage(websocket.TextMessage, []byte("ping")); err != nil {
			return err
		}
		return expect(conn, websocket.TextMessage, []byte("ponged"))
	})
}
