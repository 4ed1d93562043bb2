package main

// readMessages reads all messages from the socket of the arguments.
func readMessages(b *bench, m *meter) {
	ws := open(b)
	m.begin()
	for i := 0; i < b.messages; i++ {
		b.received(ws.ReadMessage())
	}
	m.end()
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
