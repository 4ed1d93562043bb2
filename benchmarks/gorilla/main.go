// Command gorilla does the work of the C programs beside it with github.com/gorilla/websocket, for comparison: see ../c/conn.c,
// ../c/memory.c and ../c/broadcast.c for what each operation is. It takes the same words NAME=VALUE and prints the same line of JSON.
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

// bench is what to do: the words of the command line.
type bench struct {
	op          string
	isClient    bool
	kind        int
	deflate     bool
	prepared    bool
	verify      bool
	fd          int
	address     string
	messages    int
	connections int
	variants    int
	payload     []byte
}

// variant gives the message to send in the turn of that number.
func (b *bench) variant(turn int) []byte {
	size := len(b.payload) / b.variants
	start := turn % b.variants * size
	return b.payload[start : start+size]
}

func must(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	must(err)
	return value
}

func (b *bench) word(name, value string) {
	switch name {
	case "op":
		b.op = value
	case "role":
		b.isClient = value == "client"
	case "type":
		if value == "text" {
			b.kind = websocket.TextMessage
		}
	case "deflate":
		b.deflate = number(value) != 0
	case "prepared":
		b.prepared = number(value) != 0
	case "verify":
		b.verify = number(value) != 0
	case "fd":
		b.fd = number(value)
	case "address":
		b.address = value
	case "messages":
		b.messages = number(value)
	case "takeover":
		if number(value) != 0 {
			log.Panic("gorilla knows no context takeover")
		}
	case "variants":
		b.variants = number(value)
	case "connections":
		b.connections = number(value)
	case "payload":
		var err error
		b.payload, err = os.ReadFile(value)
		must(err)
	default:
		log.Panicf("no such word: %s", name)
	}
}

// received looks at a message: it must be the one that was sent in that turn. Without verify only its size is looked at.
func (b *bench) received(turn, kind int, data []byte) {
	sent := b.variant(turn)
	if kind != b.kind || len(data) != len(sent) || (b.verify && !bytes.Equal(data, sent)) {
		log.Panic("not the message that was sent")
	}
}

// meter sums what was spent between start and stop, in nanoseconds.
type meter struct {
	Messages  int           `json:"messages"`
	Wall      time.Duration `json:"wall"`
	User      int64         `json:"user"`
	System    int64         `json:"system"`
	wallStart time.Time
	start     syscall.Rusage
}

func (m *meter) begin() {
	m.wallStart = time.Now()
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &m.start))
}

func (m *meter) end() {
	var now syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &now))
	m.Wall += time.Since(m.wallStart)
	m.User += now.Utime.Nano() - m.start.Utime.Nano()
	m.System += now.Stime.Nano() - m.start.Stime.Nano()
}

func main() {
	b := &bench{kind: websocket.BinaryMessage, fd: -1, connections: 1, variants: 1}
	for _, word := range os.Args[1:] {
		name, value, _ := strings.Cut(word, "=")
		b.word(name, value)
	}
	m := &meter{Messages: b.messages * b.connections}
	work := map[string]func(*bench, *meter){
		"read": readMessages, "write": writeMessages, "parse": parse, "make": makeFrames, "broadcast": broadcast,
		"roundtrip": roundTrip, "read-stream": readStreams, "write-stream": writeStreams,
	}
	work[b.op](b, m)
	must(json.NewEncoder(os.Stdout).Encode(m))
}
