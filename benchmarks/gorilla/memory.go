package main

import (
	"bytes"
	"io"
	"net"

	"github.com/gorilla/websocket"
)

// memory is a net.Conn whose two directions can be exchanged after the handshake.
type memory struct {
	net.Conn
	reader io.Reader
	writer io.Writer
}

func (m *memory) Read(space []byte) (int, error)  { return m.reader.Read(space) }
func (m *memory) Write(bytes []byte) (int, error) { return m.writer.Write(bytes) }

// end is a connection without a socket.
type end struct {
	ws    *websocket.Conn
	below *memory
}

// openPair makes two connections that are each other's peers: ours, in the role of the arguments, and the other.
func openPair(b *bench) (ours, other end) {
	near, far := net.Pipe()
	server := &memory{near, near, near}
	client := &memory{far, far, far}
	accepted := make(chan *websocket.Conn)
	go func() { accepted <- accept(b, server) }()
	dialled := end{dial(b, client), client}
	if b.isClient {
		return dialled, end{<-accepted, server}
	}
	return end{<-accepted, server}, dialled
}

// loop gives the same bytes again and again.
type loop struct {
	bytes []byte
	at    int
}

func (l *loop) Read(space []byte) (int, error) {
	count := copy(space, l.bytes[l.at:])
	l.at = (l.at + count) % len(l.bytes)
	return count, nil
}

// render gives some frames of the message, about 256 KiB.
func render(b *bench, other end) []byte {
	var some bytes.Buffer
	other.below.writer = &some
	for count := 262144/(len(b.payload)+14) + 1; count > 0; count-- {
		must(other.ws.WriteMessage(b.kind, b.payload))
	}
	return some.Bytes()
}

// parse reads all messages from memory.
func parse(b *bench, m *meter) {
	ours, other := openPair(b)
	ours.below.reader = &loop{bytes: render(b, other)}
	m.begin()
	for i := 0; i < b.messages; i++ {
		b.read(0, ours.ws)
	}
	m.end()
}

// makeFrames writes all messages to nowhere.
func makeFrames(b *bench, m *meter) {
	ours, other := openPair(b)
	var written bytes.Buffer
	other.below.reader = &written
	ours.below.writer = io.Discard
	if b.verify {
		ours.below.writer = &written
	}
	m.begin()
	for i := 0; i < b.messages; i++ {
		must(ours.ws.WriteMessage(b.kind, b.payload))
		if b.verify {
			b.read(0, other.ws)
		}
	}
	m.end()
}

// roundTrip writes each message to memory and reads it from there.
func roundTrip(b *bench, m *meter) {
	ours, other := openPair(b)
	var written bytes.Buffer
	ours.below.writer = &written
	other.below.reader = &written
	m.begin()
	for i := 0; i < b.messages; i++ {
		must(ours.ws.WriteMessage(b.kind, b.variant(i)))
		b.read(i, other.ws)
	}
	m.end()
}
