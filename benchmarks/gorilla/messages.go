package main

import (
	"bytes"
	"io"
	"log"

	"github.com/gorilla/websocket"
)

// read reads the message of a turn.
func (b *bench) read(turn int, ws *websocket.Conn) {
	kind, data, err := ws.ReadMessage()
	must(err)
	b.received(turn, kind, data)
}

// readMessages reads all messages from the socket of the arguments.
func readMessages(b *bench, m *meter) {
	ws := open(b)
	m.begin()
	for i := 0; i < b.messages; i++ {
		b.read(0, ws)
	}
	m.end()
}

// readStreams does so 16 KiB at a time.
func readStreams(b *bench, m *meter) {
	ws := open(b)
	space := make([]byte, 16384)
	m.begin()
	for i := 0; i < b.messages; i++ {
		kind, reader, err := ws.NextReader()
		must(err)
		total := 0
		for err == nil {
			var got int
			got, err = reader.Read(space)
			if b.verify && !bytes.Equal(space[:got], b.payload[total:total+got]) {
				log.Panic("not the bytes that were sent")
			}
			total += got
		}
		if err != io.EOF || kind != b.kind || total != len(b.payload) {
			log.Panic("not the message that was sent")
		}
	}
	m.end()
}

// writeStreams writes all messages 4 KiB at a time.
func writeStreams(b *bench, m *meter) {
	ws := open(b)
	m.begin()
	for i := 0; i < b.messages; i++ {
		writer, err := ws.NextWriter(b.kind)
		must(err)
		for left := b.payload; len(left) > 0; {
			part := left
			if len(part) > 4096 {
				part = part[:4096]
			}
			_, err = writer.Write(part)
			must(err)
			left = left[len(part):]
		}
		must(writer.Close())
	}
	m.end()
	must(ws.Close())
}

// writeMessages writes all messages to it.
func writeMessages(b *bench, m *meter) {
	ws := open(b)
	m.begin()
	for i := 0; i < b.messages; i++ {
		must(ws.WriteMessage(b.kind, b.payload))
	}
	m.end()
	must(ws.Close())
}
