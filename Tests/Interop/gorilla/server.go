// The server role: what the Autobahn testsuite's server does for clients that echo, and a few paths for command_client.py.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/gorilla/websocket"
)

var (
	anyOrigin        = func(*http.Request) bool { return true }
	wholeUpgrader    = websocket.Upgrader{WriteBufferSize: 2 << 20, CheckOrigin: anyOrigin, Subprotocols: []string{"interop.v1"}}
	fragmentUpgrader = websocket.Upgrader{WriteBufferSize: 512, CheckOrigin: anyOrigin}
)

// testCase is one connection of a client that echoes until it is closed.
type testCase struct {
	name     string
	upgrader *websocket.Upgrader
	run      func(conn *websocket.Conn) error
}

// testCases are numbered from 1 for the client.
func testCases() []testCase {
	cases := []testCase{}
	for _, m := range messages {
		m := m
		cases = append(cases, testCase{m.name, &wholeUpgrader, func(conn *websocket.Conn) error { return echoed(conn, m) }})
	}
	for _, m := range fragmented {
		m := m
		cases = append(cases, testCase{m.name, &fragmentUpgrader, func(conn *websocket.Conn) error {
			return echoedInFragments(conn, m, nothing)
		}})
	}
	for _, c := range closings {
		code := c.code
		cases = append(cases, testCase{c.name, &wholeUpgrader, func(conn *websocket.Conn) error {
			return closing(conn, code, goodReason, false)
		}})
	}
	return append(cases,
		testCase{"ping-empty", &wholeUpgrader, func(conn *websocket.Conn) error { return ponged(conn, "") }},
		testCase{"ping-125", &wholeUpgrader, func(conn *websocket.Conn) error { return ponged(conn, strings.Repeat("p", 125)) }},
		testCase{"ping-between-fragments", &fragmentUpgrader, pongedInside},
		testCase{"in-order", &wholeUpgrader, inOrder},
	)
}

// upgraded answers the handshake and ends the connection with 1000 when run has not ended it.
func upgraded(upgrader *websocket.Upgrader, run func(conn *websocket.Conn, request *http.Request)) http.HandlerFunc {
	return func(response http.ResponseWriter, request *http.Request) {
		conn, err := upgrader.Upgrade(response, request, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		run(conn, request)
		closing(conn, websocket.CloseNormalClosure, "", false)
	}
}

// runCase is the path that echoing clients visit once for each case.
func runCase(response http.ResponseWriter, request *http.Request) {
	cases := testCases()
	number, err := strconv.Atoi(request.URL.Query().Get("case"))
	if err != nil || number < 1 || number > len(cases) {
		http.Error(response, "no such case", http.StatusNotFound)
		return
	}
	chosen := cases[number-1]
	upgraded(chosen.upgrader, func(conn *websocket.Conn, _ *http.Request) {
		report(chosen.name, chosen.run(conn))
	})(response, request)
}

// wanted reads code and reason from the query.
func wanted(request *http.Request) (int, string) {
	code, _ := strconv.Atoi(request.URL.Query().Get("code"))
	return code, request.URL.Query().Get("reason")
}

// routes for both kinds of clients; anything else is 404.
func routes() *http.ServeMux {
	paths := http.NewServeMux()
	paths.HandleFunc("/getCaseCount", upgraded(&wholeUpgrader, func(conn *websocket.Conn, _ *http.Request) {
		conn.WriteMessage(websocket.TextMessage, []byte(fmt.Sprint(len(testCases()))))
	}))
	paths.HandleFunc("/runCase", runCase)
	paths.HandleFunc("/updateReports", upgraded(&wholeUpgrader, func(*websocket.Conn, *http.Request) {}))
	paths.HandleFunc("/echo", upgraded(&wholeUpgrader, func(conn *websocket.Conn, _ *http.Request) {
		for {
			kind, data, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, data) != nil {
				return
			}
		}
	}))
	paths.HandleFunc("/close", upgraded(&wholeUpgrader, func(conn *websocket.Conn, request *http.Request) {
		code, reason := wanted(request)
		closing(conn, code, reason, false)
	}))
	paths.HandleFunc("/expect-close", upgraded(&wholeUpgrader, func(conn *websocket.Conn, request *http.Request) {
		code, reason := wanted(request)
		report(request.URL.Query().Get("name"), closedWith(conn, code, &reason))
	}))
	return paths
}

func serve() {
	listener, url, err := listen()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("listening on", url)
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	paths, running := routes(), sync.WaitGroup{}
	go http.Serve(listener, http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		running.Add(1)
		defer running.Done()
		paths.ServeHTTP(response, request)
	}))
	<-end
	// A client may be gone before the last case has said how it went.
	running.Wait()
}
