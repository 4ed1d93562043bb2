"""Descriptors, threads, memory and processes: nothing is left behind, nothing is shared by accident."""

import gc
import os
import socket
import subprocess
import sys
import threading
import time
import weakref

import pytest
from peers import PATIENCE, RawServer, our_server, raw_connection, wait_until, websockets_server

import wsswift
from wsswift._handles import ConnHandle, DialerHandle, copy
from wsswift._library import lib
from wsswift.sync import connect, serve


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def baseline():
    """The number of descriptors once the servers have started and the ends of earlier tests are gone."""
    count, since = descriptors(), time.monotonic()
    while time.monotonic() - since < 0.2:
        time.sleep(0.02)
        if descriptors() != count:
            count, since = descriptors(), time.monotonic()
    return count


def settled(before, count=descriptors):
    """The count once it is back where it was, or after a while what it is."""
    end = time.monotonic() + PATIENCE
    while count() > before and time.monotonic() < end:
        time.sleep(0.02)
    return count()


def test_200_connections_leave_nothing():
    with our_server() as url:
        with connect(url) as connection:  # what is made once is made
            connection.send("x")
            connection.recv(timeout=10)
        before, threads = baseline(), threading.active_count()
        for number in range(200):
            with connect(url) as connection:
                connection.ping()
                connection.send(str(number))
                assert connection.recv(timeout=10) == str(number)
        assert settled(before) <= before
        assert settled(threads, threading.active_count) <= threads


def test_connections_that_are_not_closed_leave_nothing():
    with our_server() as url:
        connect(url).close()
        before = baseline()
        connections = [connect(url) for _ in range(50)]
        assert descriptors() >= before + 50
        del connections
        assert settled(before) <= before


def test_failures_leave_nothing():
    with websockets_server(process_request=lambda connection, request: connection.respond(404, "no\n")) as url:
        for attempt in (lambda: connect(url), lambda: connect("ws://127.0.0.1:9/"), lambda: connect("nonsense")):
            before = baseline()
            for _ in range(20):
                with pytest.raises((wsswift.WebSocketException, OSError)):
                    attempt()
            assert settled(before) <= before


def test_refused_clients_leave_nothing():
    with our_server(origins=["https://example.com"]) as url:
        before = baseline()
        for _ in range(50):
            with raw_connection(url) as client:
                client.sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                client.recv_head()
        assert settled(before) <= before


def test_servers_leave_nothing():
    before, threads = baseline(), threading.active_count()
    for _ in range(20):
        with our_server() as url, connect(url) as connection:
            connection.send("x")
            connection.recv(timeout=10)
    assert settled(before) <= before
    assert settled(threads, threading.active_count) <= threads


def test_exceptions_that_are_kept_hold_no_connection():
    kept = []
    with our_server() as url:
        connect(url).close()
        before = baseline()
        for _ in range(20):
            connection = connect(url)
            connection.close()
            try:
                connection.recv()
            except wsswift.ConnectionClosed as error:
                kept.append(error)
        del connection
        assert settled(before) <= before
    assert len(kept) == 20


def test_descriptors_are_not_inherited():
    def inherited():
        program = "import os; print(len(os.listdir('/proc/self/fd')))"
        command = [sys.executable, "-c", program]
        return int(subprocess.run(command, capture_output=True, close_fds=False, check=True).stdout)

    before = inherited()
    with our_server() as url, connect(url):
        assert inherited() == before


def test_handles_are_freed_exactly_once():
    class Counted(DialerHandle):
        freed = []

        def _free(self, pointer):
            self.freed.append(pointer)
            lib.ws_dialer_free(pointer)

    handle = Counted()
    assert lib.ws_dialer_new(wsswift._handles.byref(handle)) == 0
    pointer = handle.value
    handle.__del__()
    handle.__del__()
    del handle
    gc.collect()
    assert Counted.freed == [pointer]
    del Counted
    ConnHandle().__del__()  # NULL is left alone


def test_threads_send_at_once():
    """Messages of many threads come whole, each thread's in order."""
    with our_server() as url, connect(url) as connection:

        def send(name):
            for number in range(100):
                connection.send(f"{name} {number} " + name * 2000)

        threads = [threading.Thread(target=send, args=(name,)) for name in "abcdefgh"]
        for thread in threads:
            thread.start()
        next_number = dict.fromkeys("abcdefgh", 0)
        for _ in range(800):
            name, number, rest = connection.recv(timeout=10).split(" ")
            assert int(number) == next_number[name] and rest == name * 2000
            next_number[name] += 1
        for thread in threads:
            thread.join(10)


def test_a_waiting_thread_leaves_the_interpreter_to_others():
    with our_server() as url, connect(url) as connection:
        got = []
        thread = threading.Thread(target=lambda: got.append(connection.recv(timeout=10)))
        thread.start()
        wait_until(connection._receiving.locked)
        for _ in range(100_000):
            pass
        assert thread.is_alive()
        connection.send("x")
        thread.join(10)
        assert got == ["x"]


def test_closing_under_use():
    """Threads that send, ping and receive while another one closes get ConnectionClosed and nothing worse."""
    with our_server() as url:
        for _ in range(20):
            connection = connect(url)
            unexpected = []

            def use(call, connection=connection, unexpected=unexpected):
                try:
                    while True:
                        call(connection)
                except wsswift.ConnectionClosed:
                    pass
                except BaseException as error:
                    unexpected.append(error)

            calls = [lambda c: c.send("x" * 100), lambda c: c.ping(), lambda c: c.recv()]
            threads = [threading.Thread(target=use, args=(call,)) for call in calls]
            for thread in threads:
                thread.start()
            time.sleep(0.02)
            connection.close()
            for thread in threads:
                thread.join(10)
                assert not thread.is_alive()
            assert unexpected == []


def test_the_handle_stays_until_its_message_is_copied(monkeypatch):
    """The library lends the message, and another thread may close and let go of the handle at any moment."""
    alive = []

    def copy_after_release(lent):
        handle = weakref.ref(connection._handle)
        connection._release()
        alive.append(handle() is not None)
        return copy(lent)

    with RawServer(lambda peer: (peer.send_frame(1, b"x" * 1000), peer.at_end())) as server:
        connection = connect(server.url)
        monkeypatch.setattr(wsswift.sync._receiving, "copy", copy_after_release)
        assert connection.recv(timeout=10) == "x" * 1000
    assert alive == [True]


def test_fork():
    """A child's copy of a connection is of no use to it, and freeing it does not disturb the parent."""
    with our_server() as url, connect(url) as connection:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                connection.send("from the child")
            except Exception as error:
                os.write(writer, repr(error.__cause__ or error).encode())
            connection._release()
            os._exit(0)
        os.close(writer)
        assert os.waitpid(child, 0)[1] == 0
        assert b"parent" in os.read(reader, 1000)
        os.close(reader)
        connection.send("from the parent")
        assert connection.recv(timeout=10) == "from the parent"


EXIT_PROGRAM = """
import sys, threading, time
from wsswift.sync import connect, serve
url = sys.argv[1]
connection = connect(url)
connection.ping()
{body}
"""


@pytest.mark.parametrize(
    "body",
    [
        "",
        "threading.Thread(target=connection.recv, daemon=True).start(); time.sleep(0.1)",
        "import atexit; atexit.register(connection.close)",
        "server = serve(print); threading.Thread(target=server.serve_forever, daemon=True).start(); time.sleep(0.1)",
        "sys.modules['keep'] = connection",
        "cycle = [connection]; cycle.append(cycle)",
    ],
)
def test_the_interpreter_ends_with_an_open_connection(body):
    with our_server() as url:
        done = subprocess.run(
            [sys.executable, "-W", "ignore::ResourceWarning", "-c", EXIT_PROGRAM.format(body=body), url],
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_slow_peer_does_not_hold_a_second_connection():
    with RawServer(lambda peer: time.sleep(0.5)) as slow, our_server() as url:
        with connect(slow.url) as waiting, connect(url) as other:
            other.send("x")
            assert other.recv(timeout=10) == "x"
            with pytest.raises(wsswift.ConnectionClosedError):
                waiting.recv(timeout=10)


def test_the_socket_of_a_connection_is_closed_by_close():
    ended = threading.Event()

    def behave(peer):
        peer.send_close(peer.recv_close_code())
        assert peer.at_end()
        ended.set()

    with RawServer(behave) as server:
        connection = connect(server.url)
        connection.close()
        assert ended.wait(10)
        assert connection.close_code == 1000


def test_serving_without_free_descriptors():
    """EMFILE delays clients and ends nothing."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with our_server() as url:
        spare = socket.socket()
        host, port = url.split("//")[1].split(":")
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors() - 1, hard))
            spare.connect((host, int(port)))
            time.sleep(0.3)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        spare.close()
        with connect(url) as connection:
            connection.send("x")
            assert connection.recv(timeout=10) == "x"


def test_an_idle_server_is_idle():
    with serve(print) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        time.sleep(0.1)
        before = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - before < 0.2
        server.shutdown()
        thread.join(10)
