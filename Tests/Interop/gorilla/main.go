// Command gorilla plays the peer in the interoperability tests, with github.com/gorilla/websocket on the other side of the wire.
//
//	gorilla echo URL     a client of an echo server
//	gorilla hold URL     a client that waits for the server to go away
//	gorilla command URL  a client of Tests/Interop/command_server.py
//	gorilla client URL   a client of an echo server that compresses
//	gorilla server       a server for our clients; prints `listening on URL`, ends on SIGTERM
//	gorilla server deflate  the same, and it accepts compression
//
// It prints `ok NAME` or `failed NAME: why` for each case; run.py knows which names must come.
package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

var printing sync.Mutex

// report prints the outcome of one case on a line of its own.
func report(name string, err error) {
	printing.Lock()
	defer printing.Unlock()
	if err == nil {
		fmt.Println("ok", name)
	} else {
		fmt.Printf("failed %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
	}
}

func main() {
	roles := map[string]func(url string){"echo": echoClient, "hold": holdClient, "command": commandClient, "client": deflateClient, "server": deflateServer}
	switch {
	case len(os.Args) == 2 && os.Args[1] == "server":
		serve()
	case len(os.Args) == 3 && roles[os.Args[1]] != nil:
		roles[os.Args[1]](os.Args[2])
	default:
		fmt.Fprintln(os.Stderr, "usage: gorilla echo|hold|command|client URL, or gorilla server [deflate]")
		os.Exit(2)
	}
}
