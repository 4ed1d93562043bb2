"""Ctrl-C: KeyboardInterrupt comes at once, whatever the main thread waits for."""

import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from peers import RawServer, silent_listener, websockets_server

# A program that says when it is about to block; the test then presses Ctrl-C.
PROGRAM = """
import os, signal, sys, threading, time
from wsswift.sync import connect, serve

url = sys.argv[1]

def ready():
    print("ready", flush=True)

def echo(connection):
    for message in connection:
        connection.send(message)

{body}
"""


def press_ctrl_c(process):
    process.send_signal(signal.SIGINT)


def interrupted(body, url, press=press_ctrl_c):
    """Runs the program, presses Ctrl-C once it is ready; returns its error output and the seconds it took to end."""
    text = PROGRAM.format(body=textwrap.dedent(body))
    command = [sys.executable, "-u", "-c", text, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
            time.sleep(0.3)
            start = time.monotonic()
            press(process)
            _, errors = process.communicate(timeout=20)
        finally:
            process.kill()
    return errors, time.monotonic() - start


def assert_interrupted(errors, seconds):
    assert errors.rstrip().endswith("KeyboardInterrupt"), errors
    assert "ignored" not in errors, errors
    # Left alone, none of these calls would end so soon.
    assert seconds < 5


@pytest.mark.parametrize("call", ["connection.recv()", "connection.recv(timeout=30)", "list(connection)"])
def test_receiving(call):
    body = f"with connect(url) as connection:\n    ready(); {call}"
    with websockets_server(lambda connection: connection.recv()) as url:
        assert_interrupted(*interrupted(body, url))


def test_the_peer_hears_1011():
    codes = []
    with RawServer(lambda peer: codes.append(peer.recv_close_code())) as server:
        assert_interrupted(*interrupted("with connect(url) as connection:\n    ready(); connection.recv()", server.url))
    assert codes == [1011]


def test_waiting_for_a_pong():
    def behave(peer):
        peer.recv_frame()
        peer.recv_frame()

    with RawServer(behave) as server:
        body = "with connect(url) as connection:\n    pong = connection.ping(); ready(); pong.wait()"
        assert_interrupted(*interrupted(body, server.url))


def test_connecting():
    with silent_listener() as url:
        assert_interrupted(*interrupted("ready(); connect(url)", url))


def test_closing():
    """The second Ctrl-C of a user who does not want to wait for the peer."""
    asked = threading.Event()

    def behave(peer):
        peer.recv_frame()
        asked.set()
        peer.at_end()

    def press(process):
        assert asked.wait(10)
        press_ctrl_c(process)

    with RawServer(behave) as server:
        assert_interrupted(*interrupted("connection = connect(url); ready(); connection.close()", server.url, press))


def test_serving():
    body = """
    with serve(echo) as server:
        ready()
        server.serve_forever()
    """
    assert_interrupted(*interrupted(body, ""))


def test_serving_with_a_connection():
    body = """
    with serve(echo) as server:
        def client():
            with connect(f"ws://127.0.0.1:{server.port}") as connection:
                connection.send("x"); connection.recv(); ready()
                try:
                    connection.recv()
                except BaseException as error:
                    print(error.rcvd.code, file=sys.stderr)
        thread = threading.Thread(target=client)
        thread.start()
        try:
            server.serve_forever()
        finally:
            server.shutdown()
            thread.join()
    """
    errors, seconds = interrupted(body, "")
    assert_interrupted(errors, seconds)
    assert "1001" in errors


@pytest.mark.parametrize("wait", ["connection.recv()", "serve(echo).serve_forever()"])
def test_a_signal_that_reached_another_thread(wait):
    """Then the main thread hears of it when its slice of waiting is over."""
    body = f"""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    def press():
        signal.sigwait([signal.SIGUSR1])
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        time.sleep(10)
    threading.Thread(target=press, daemon=True).start()
    with connect(url) as connection:
        ready(); {wait}
    """
    with websockets_server(lambda connection: connection.recv()) as url:
        press = lambda process: process.send_signal(signal.SIGUSR1)  # noqa: E731
        assert_interrupted(*interrupted(body, url, press))


def test_a_signal_handler_that_returns():
    """The wait goes on where it was."""
    body = """
    signal.signal(signal.SIGINT, lambda *_: print("caught", file=sys.stderr))
    with connect(url) as connection:
        ready()
        print(connection.recv(), file=sys.stderr)
    """

    caught = threading.Event()

    def behave(peer):
        assert caught.wait(10)
        time.sleep(0.3)
        peer.send_frame(1, b"the message")
        peer.send_close(peer.recv_close_code())

    def press(process):
        press_ctrl_c(process)
        assert process.stderr.readline() == "caught\n"
        caught.set()

    with RawServer(behave) as server:
        errors, _ = interrupted(body, server.url, press)
    assert errors == "the message\n"
