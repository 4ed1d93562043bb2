// What both roles send, and how they check what comes back.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

const patience = 10 * time.Second

// goodReason holds characters of one, two, three and four bytes.
const goodReason = "bye, é € 😀"

type message struct {
	name string
	kind int
	data []byte
}

// messages are sent as one frame each.
var messages = []message{
	{"text", websocket.TextMessage, []byte("Grüße, 世界 😀")},
	{"binary", websocket.BinaryMessage, []byte{0, 1, 2, 0x7f, 0x80, 0xfe, 0xff}},
	{"empty-text", websocket.TextMessage, nil},
	{"empty-binary", websocket.BinaryMessage, nil},
	{"text-64k", websocket.TextMessage, text(64 << 10)},
	{"binary-64k", websocket.BinaryMessage, binary(64 << 10)},
	{"text-1m", websocket.TextMessage, text(1 << 20)},
	{"binary-1m", websocket.BinaryMessage, binary(1 << 20)},
}

// fragmented messages are cut every 512 bytes, which is inside a character here and there.
var fragmented = []message{
	{"fragmented-text", websocket.TextMessage, text(20001)},
	{"fragmented-binary", websocket.BinaryMessage, binary(20001)},
}

// closings are close frames that the other side answers with the same code; 1005 stands for a frame without one.
var closings = []struct {
	name string
	code int
}{{"close-1000", 1000}, {"close-4001", 4001}, {"close-none", 1005}}

// text gives size bytes of UTF-8 with characters of three bytes, whose places in a frame shift.
func text(size int) []byte {
	return []byte(strings.Repeat("€", size/3) + strings.Repeat("x", size%3))
}

// binary gives size bytes without a short period.
func binary(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * i % 251)
	}
	return data
}

// expect reads one message and compares it.
func expect(conn *websocket.Conn, kind int, data []byte) error {
	conn.SetReadDeadline(time.Now().Add(patience))
	gotKind, got, err := conn.ReadMessage()
	if err != nil {
		return err
	}
	if gotKind != kind || !bytes.Equal(got, data) {
		return fmt.Errorf("sent type %d with %d bytes, got type %d with %d bytes", kind, len(data), gotKind, len(got))
	}
	return nil
}

// echoed sends a message and expects it back.
func echoed(conn *websocket.Conn, m message) error {
	if err := conn.WriteMessage(m.kind, m.data); err != nil {
		return err
	}
	return expect(conn, m.kind, m.data)
}

// echoedInFragments does the same piece by piece; the connection's write buffer is smaller than a piece, so each one becomes
// frames of its own. between runs in the middle of the message.
func echoedInFragments(conn *websocket.Conn, m message, between func() error) error {
	writer, err := conn.NextWriter(m.kind)
	if err != nil {
		return err
	}
	half := len(m.data) / 2
	if _, err = writer.Write(m.data[:half]); err != nil {
		return err
	}
	if err = between(); err != nil {
		return err
	}
	if _, err = writer.Write(m.data[half:]); err != nil {
		return err
	}
	if err = writer.Close(); err != nil {
		return err
	}
	return expect(conn, m.kind, m.data)
}

func nothing() error { return nil }

// pongWaiter remembers the payloads of the pongs that arrive.
func pongWaiter(conn *websocket.Conn) *[]string {
	pongs := &[]string{}
	conn.SetPongHandler(func(data string) error {
		*pongs = append(*pongs, data)
		return nil
	})
	return pongs
}

// ping sends a ping.
func ping(conn *websocket.Conn, data string) error {
	return conn.WriteControl(websocket.PingMessage, []byte(data), time.Now().Add(patience))
}

// ponged pings, and expects the pong to be there before the echo of a message that follows it.
func ponged(conn *websocket.Conn, data string) error {
	pongs := pongWaiter(conn)
	if err := ping(conn, data); err != nil {
		return err
	}
	if err := echoed(conn, messages[0]); err != nil {
		return err
	}
	return onlyPong(*pongs, data)
}

func onlyPong(pongs []string, data string) error {
	if len(pongs) != 1 || pongs[0] != data {
		return fmt.Errorf("pinged with %q, got the pongs %q", data, pongs)
	}
	return nil
}

// pongedInside does the same with the ping between two fragments.
func pongedInside(conn *websocket.Conn) error {
	pongs := pongWaiter(conn)
	if err := echoedInFragments(conn, fragmented[0], func() error { return ping(conn, "inside") }); err != nil {
		return err
	}
	return onlyPong(*pongs, "inside")
}

// inOrder sends many messages before it reads the first echo.
func inOrder(conn *websocket.Conn) error {
	for i := 0; i < 100; i++ {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(fmt.Sprint("message ", i))); err != nil {
			return err
		}
	}
	for i := 0; i < 100; i++ {
		if err := expect(conn, websocket.TextMessage, []byte(fmt.Sprint("message ", i))); err != nil {
			return err
		}
	}
	return nil
}

// closing sends a close frame and expects the peer's, with the same code, and then the end of the stream if the peer is a server.
func closing(conn *websocket.Conn, code int, reason string, server bool) error {
	frame := websocket.FormatCloseMessage(code, reason)
	if err := conn.WriteControl(websocket.CloseMessage, frame, time.Now().Add(patience)); err != nil {
		return err
	}
	if err := closedWith(conn, code, nil); err != nil || !server {
		return err
	}
	return ended(conn)
}

// closedWith reads up to the peer's close frame and compares its code, and its reason unless that is nil.
func closedWith(conn *websocket.Conn, code int, reason *string) error {
	conn.SetReadDeadline(time.Now().Add(patience))
	_, data, err := conn.ReadMessage()
	var closed *websocket.CloseError
	switch {
	case err == nil:
		return fmt.Errorf("a message of %d bytes instead of a close frame", len(data))
	case !errors.As(err, &closed):
		return err
	case closed.Code != code:
		return fmt.Errorf("close code %d instead of %d", closed.Code, code)
	case reason != nil && closed.Text != *reason:
		return fmt.Errorf("close reason %q instead of %q", closed.Text, *reason)
	}
	return nil
}

// ended expects that the server ends the stream after the closing handshake. RFC 6455 7.1.1.
func ended(conn *websocket.Conn) error {
	stream := conn.UnderlyingConn()
	stream.SetReadDeadline(time.Now().Add(patience))
	count, err := stream.Read(make([]byte, 1))
	if count != 0 || err != io.EOF {
		return fmt.Errorf("after the closing handshake: %d bytes and %v instead of the end", count, err)
	}
	return nil
}
