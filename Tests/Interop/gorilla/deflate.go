// Compressed messages: the client role, and the server role with compression on.
package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"
)

// onDeflate runs one case on a connection on which compression must have been agreed.
func onDeflate(dialer websocket.Dialer, url, name string, run func(conn *websocket.Conn) error) {
	dialer.EnableCompression = true
	conn, response, err := dialer.Dial(url, nil)
	if err == nil {
		defer conn.Close()
		if err = agreed(response.Header); err == nil {
			err = run(conn)
		}
	}
	report(name, err)
}

// agreed: gorilla offers both, so both must be in the answer.
func agreed(header http.Header) error {
	answer := header.Get("Sec-WebSocket-Extensions")
	for _, word := range []string{"permessage-deflate", "server_no_context_takeover", "client_no_context_takeover"} {
		if !strings.Contains(answer, word) {
			return fmt.Errorf("the answer %q lacks %s", answer, word)
		}
	}
	return nil
}

func allEchoed(conn *websocket.Conn) error {
	for _, m := range messages {
		if err := echoed(conn, m); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

func deflateClient(url string) {
	onDeflate(wholeDialer, url, "whole", allEchoed)
	onDeflate(fragmentDialer, url, "fragments", func(conn *websocket.Conn) error {
		for _, m := range fragmented {
			if err := echoedInFragments(conn, m, nothing); err != nil {
				return err
			}
		}
		return pongedInside(conn)
	})
	onDeflate(wholeDialer, url, "levels", func(conn *websocket.Conn) error {
		for level := -2; level <= 9; level++ {
			if err := conn.SetCompressionLevel(level); err != nil {
				return err
			}
			if err := allEchoed(conn); err != nil {
				return fmt.Errorf("level %d: %w", level, err)
			}
		}
		return nil
	})
	onDeflate(wholeDialer, url, "switched", func(conn *websocket.Conn) error {
		for _, on := range []bool{false, true, false} {
			conn.EnableWriteCompression(on)
			if err := allEchoed(conn); err != nil {
				return err
			}
		}
		return nil
	})
	onDeflate(wholeDialer, url, "in-order", inOrder)
}

func deflateServer(string) {
	wholeUpgrader.EnableCompression = true
	fragmentUpgrader.EnableCompression = true
	serve()
}
