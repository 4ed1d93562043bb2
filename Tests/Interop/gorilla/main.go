// Command gorilla plays the peer in the interoperability tests, with github.com/gorilla/websocket on the other side of the wire.
//
//	gorilla echo URL     a client of an echo server
//	gorilla hold URL     a client that waits for the server to go away
//	gorilla command URL  a client of Tests/Interop/command_server.py
//	gorilla client URL   a client of an echo server that compresses
//	gorilla visit URL    a client that sends one message to an echo server
//	gorilla server       a server for our clients; prints `listening on URL`, ends on SIGTERM
//	gorilla server deflate  the same, and it accepts compression
//
// With the options of tls.go before the first word it speaks wss://. It prints `ok NAME` or `failed NAME: why` for each case; run.py knows which names must come.
package main

import (
	"flag"
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
	roles := map[string]func(url string){
		"echo": echoClient, "hold": holdClient, "visit": visitingClient, "command": commandClient,
		"client": deflateClient, "server": deflateServer,
	}
	flag.Parse()
	err := useTLS()
	words := flag.Args()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case len(words) == 1 && words[0] == "server":
		serve()
	case len(words) == 2 && roles[words[0]] != nil:
		roles[words[0]](words[1])
	default:
		fmt.Fprintln(os.Stderr, "usage: gorilla [OPTIONS] echo|hold|visit|command|client URL, or gorilla [OPTIONS] server [deflate]")
		os.Exit(2)
	}
}
