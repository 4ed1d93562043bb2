"""wss:// with the library's own TLS: both ends ours, and each end with `websockets`."""

import os
import shutil
import signal
import socket
import ssl
import stat
import threading
import time

import pytest
from peers import echo, our_server, running, websockets_client, websockets_server

import wsswift
from wsswift import TLS
from wsswift.sync import connect, serve


def server_tls(certificates, name="good", **options):
    return TLS(certificate=certificates / f"{name}.pem", key=certificates / f"{name}.key", **options)


@pytest.fixture(scope="module")
def url(certificates):
    with our_server(ssl=server_tls(certificates)) as url:
        yield url


@pytest.fixture
def ours(certificates):
    """What believes the issuer of the good certificates."""
    return TLS(ca_file=certificates / "ca.pem")


def assert_echoes(connection):
    for message in ("hello", b"\0" * 70000, "x" * 300000):
        connection.send(message)
        assert connection.recv(timeout=10) == message


# Both ends


def test_messages_come_back(url, ours):
    with connect(url, ssl=ours) as connection:
        assert_echoes(connection)
        assert connection.tls.version == "TLSv1.3"
        assert connection.tls.subject == "CN=good"
        assert ssl.DER_cert_to_PEM_cert(connection.tls.certificate).startswith("-----BEGIN")
        assert connection.ping().wait(10)
    assert connection.close_code == 1000


def test_our_client_and_the_server_of_websockets(certificates, ours):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "good.pem", certificates / "good.key")
    with websockets_server(ssl=context) as url:
        with connect(url, ssl=ours) as connection:
            assert_echoes(connection)
        assert connection.close_code == 1000


def test_the_client_of_websockets_and_our_server(url, certificates):
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    with websockets_client(url, context) as connection:
        assert_echoes(connection)


def test_without_tls_there_is_nothing_to_tell():
    with our_server() as url, connect(url) as connection:
        assert connection.tls is None


def test_over_a_socket_of_ones_own(url, ours):
    host, port = url.split("//")[1].split(":")
    sock = socket.create_connection((host, int(port)))
    with connect("wss://localhost/", sock=sock, ssl=ours) as connection:
        assert_echoes(connection)


def test_reading_does_not_hold_up_writing(certificates, ours):
    """Both sides send more than the network holds, at the same time."""
    message = os.urandom(8 << 20)

    def both_ways(connection):
        sender = threading.Thread(target=connection.send, args=(message,))
        sender.start()
        assert connection.recv(timeout=20) == message
        sender.join()

    options = dict(max_size=None, compression=None)
    with our_server(both_ways, ssl=server_tls(certificates), **options) as url:
        with connect(url, ssl=ours, **options) as connection:
            both_ways(connection)


# What clients believe


def test_the_system_does_not_know_our_issuer(url):
    for argument in (None, True, TLS()):
        with pytest.raises(wsswift.SecurityError, match=r"127\.0\.0\.1.*issuer"):
            connect(url, ssl=argument)


@pytest.mark.parametrize(
    "name, host, text",
    [
        ("wronghost", "127.0.0.1", "192.0.2.7"),
        ("wronghost", "localhost", "other.example"),
        ("nameonly", "localhost", "localhost"),
        ("expired", "localhost", "expired"),
        ("unknown", "127.0.0.1", "issuer"),
        ("self", "localhost", "self"),
    ],
)
def test_bad_certificates_name_the_host(certificates, ours, name, host, text):
    with our_server(ssl=server_tls(certificates, name)) as url:
        url = url.replace("127.0.0.1", host)
        with pytest.raises(wsswift.SecurityError) as caught:
            connect(url, ssl=ours)
        assert host in str(caught.value), caught.value
        assert text in str(caught.value), caught.value
        assert isinstance(caught.value, wsswift.InvalidHandshake)


@pytest.mark.parametrize("kind", ["ca_file", "ca_dir", "ca_pem", "text", "system"])
def test_issuers(url, certificates, kind):
    tls = {
        "ca_file": TLS(ca_file=str(certificates / "ca.pem")),
        "ca_dir": TLS(ca_dir=certificates / "directory"),
        "ca_pem": TLS(ca_pem=(certificates / "ca.pem").read_bytes()),
        "text": TLS(ca_pem=(certificates / "ca.pem").read_text()),
        "system": TLS(ca_system=True, ca_file=certificates / "ca.pem"),
    }[kind]
    with connect(url, ssl=tls) as connection:
        assert_echoes(connection)


def test_skipping_the_check(certificates):
    with our_server(ssl=server_tls(certificates, "self")) as url:
        with connect(url, ssl=TLS(insecure_skip_verify=True, session_resumption=False)) as connection:
            assert_echoes(connection)


def test_name_of_the_server(certificates, ours):
    with our_server(ssl=server_tls(certificates, "wronghost")) as url:
        with connect(url, ssl=ours, server_hostname="other.example") as connection:
            assert_echoes(connection)
        with connect(url, ssl=TLS(ca_file=certificates / "ca.pem", server_name="a.sub.example")) as connection:
            assert_echoes(connection)
        with pytest.raises(wsswift.SecurityError, match=r"third\.example"):
            connect(url, ssl=ours, server_hostname="third.example")


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "a..b"])
def test_names_that_are_none(url, ours, name):
    with pytest.raises(ValueError, match="neither a host name nor an address"):
        connect(url, ssl=ours, server_hostname=name)


def test_no_tls_on_the_other_side(ours):
    with our_server() as url:
        with pytest.raises(wsswift.InvalidHandshake):
            connect(url.replace("ws:", "wss:"), ssl=ours)


def test_no_tls_on_our_side(url):
    with pytest.raises(wsswift.InvalidHandshake):
        connect(url.replace("wss:", "ws:"))


class Enough(Exception):
    pass


def test_a_signal_ends_a_handshake():
    def handler(*_):
        raise Enough

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def interrupt():
                with listener.accept()[0] as client:
                    client.recv(1)  # the handshake has begun
                    os.kill(os.getpid(), signal.SIGALRM)
                    client.recv(100_000)
                    client.recv(1)

            thread = threading.Thread(target=interrupt)
            thread.start()
            begun = time.monotonic()
            with pytest.raises(Enough):
                connect(f"wss://127.0.0.1:{listener.getsockname()[1]}")
            assert time.monotonic() - begun < 5
            thread.join(10)
    finally:
        signal.signal(signal.SIGALRM, before)


# Certificates of clients


def client_tls(certificates, name="client"):
    return TLS(
        ca_file=certificates / "ca.pem", certificate=certificates / f"{name}.pem", key=certificates / f"{name}.key"
    )


def test_client_certificates(certificates):
    seen = []

    def look(connection, request):
        seen.append(connection.tls)

    as_path = server_tls(certificates, client_ca=certificates / "ca.pem")
    as_text = server_tls(certificates, client_ca=(certificates / "ca.pem").read_bytes())
    for tls in (as_path, as_text):
        with our_server(ssl=tls, process_request=look) as url:
            with connect(url, ssl=client_tls(certificates)) as connection:
                assert_echoes(connection)
            assert seen.pop().subject == "CN=client one,O=wsswift tests"
            for refused in (TLS(ca_file=certificates / "ca.pem"), client_tls(certificates, "stranger")):
                with pytest.raises((wsswift.WebSocketException, OSError)):
                    with connect(url, ssl=refused) as connection:
                        connection.recv(timeout=10)
            assert not seen


def test_optional_client_certificates(certificates, ours):
    tls = server_tls(certificates, client_ca=certificates / "ca.pem", client_ca_mode="optional")
    with our_server(lambda connection: connection.send(connection.tls.subject), ssl=tls) as url:
        with connect(url, ssl=ours) as connection:
            assert connection.recv(timeout=10) == ""
        with connect(url, ssl=client_tls(certificates)) as connection:
            assert connection.recv(timeout=10) == "CN=client one,O=wsswift tests"


# Certificates of servers, and their keys


def test_certificates_as_text(certificates, ours):
    chain, key = (certificates / "good.pem").read_bytes(), (certificates / "good.key").read_bytes()
    for tls in (TLS(certificate=chain, key=key), TLS(certificate=chain + key), TLS(certificate=certificates / "both.pem")):
        with our_server(ssl=tls) as url, connect(url, ssl=ours) as connection:
            assert_echoes(connection)


def encrypted(certificates, password):
    return TLS(certificate=certificates / "good.pem", key=certificates / "encrypted.key", password=password)


@pytest.mark.parametrize("password", ["open-sesame", lambda: "open-sesame"], ids=["str", "function"])
def test_encrypted_keys(certificates, ours, password):
    with our_server(ssl=encrypted(certificates, password)) as url, connect(url, ssl=ours) as connection:
        assert_echoes(connection)


@pytest.mark.parametrize("password", [None, "hunter2", lambda: "hunter2", lambda: "x" * 5000], ids=["none", "str", "function", "long"])
def test_encrypted_keys_without_their_password(certificates, password):
    with pytest.raises(wsswift.SecurityError) as caught:
        serve(echo, ssl=encrypted(certificates, password))
    assert "hunter2" not in str(caught.value)


def test_what_a_password_function_raises(certificates):
    def fail():
        raise LookupError("no such password")

    with pytest.raises(wsswift.SecurityError) as caught:
        serve(echo, ssl=encrypted(certificates, fail))
    assert isinstance(caught.value.__cause__, LookupError)

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(echo, ssl=encrypted(certificates, interrupt))


@pytest.mark.parametrize("name", ["missing.pem", "empty.pem", "stranger.pem"])
def test_certificates_that_are_not_good(certificates, name):
    with pytest.raises(wsswift.SecurityError):
        serve(echo, ssl=TLS(certificate=certificates / name, key=certificates / "good.key"))


def test_reload(certificates, ours, tmp_path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"

    def install(name):
        shutil.copy(certificates / f"{name}.pem", chain)
        shutil.copy(certificates / f"{name}.key", key)

    def subject():
        with connect(f"wss://localhost:{server.port}", ssl=TLS(insecure_skip_verify=True)) as connection:
            return connection.tls.subject

    install("good")
    with running(serve(echo, ssl=TLS(certificate=chain, key=key))) as server:
        assert subject() == "CN=good"
        install("expired")
        assert subject() == "CN=good"
        server.reload_tls()
        assert subject() == "CN=expired"
        key.write_text("nonsense")
        with pytest.raises(wsswift.SecurityError):
            server.reload_tls()
        assert subject() == "CN=expired"


def test_reload_without_certificates():
    with serve(echo) as server:
        with pytest.raises(wsswift.ConcurrencyError):
            server.reload_tls()


def test_key_log(certificates, tmp_path):
    logs = tmp_path / "client", tmp_path / "server"
    with our_server(ssl=server_tls(certificates, key_log=logs[1])) as url:
        with connect(url, ssl=TLS(ca_file=certificates / "ca.pem", key_log=logs[0])) as connection:
            assert_echoes(connection)
    for log in logs:
        assert "CLIENT_HANDSHAKE_TRAFFIC_SECRET" in log.read_text()
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
    link = tmp_path / "link"
    link.symlink_to(logs[0])
    with pytest.raises(OSError):
        connect(url, ssl=TLS(key_log=link))


# Arguments


@pytest.mark.parametrize(
    "options, error",
    [
        ({"client_ca_mode": "perhaps"}, ValueError),
        ({"key": "key.pem"}, ValueError),
        ({"certificate": "a.pem", "key": b"text"}, TypeError),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value.__name__,
)
def test_settings_that_make_no_sense(options, error):
    with pytest.raises(error):
        TLS(**options)


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"uri": "ws://localhost", "ssl": TLS()}, ValueError),
        ({"uri": "ws://localhost", "ssl": True}, ValueError),
        ({"uri": "ws://localhost", "server_hostname": "x"}, ValueError),
        ({"uri": "wss://localhost", "ssl": False}, ValueError),
        ({"uri": "wss://localhost", "ssl": object()}, TypeError),
        ({"uri": "wss://localhost", "ssl": TLS(client_ca="x")}, ValueError),
        ({"uri": "wss://localhost", "ssl": TLS(ca_file="a\0b")}, ValueError),
        ({"uri": "wss://localhost", "ssl": TLS(ca_file=b"PEM")}, TypeError),
    ],
)
def test_arguments_of_connect(arguments, error):
    with pytest.raises(error):
        connect(**arguments)


@pytest.mark.parametrize(
    "tls, error",
    [(TLS(), ValueError), (object(), TypeError), (TLS(certificate="x", ca_file="y"), ValueError)],
)
def test_arguments_of_serve(tls, error):
    with pytest.raises(error):
        serve(echo, ssl=tls)


def test_secrets_are_not_printed():
    assert "secret" not in repr(TLS(certificate=b"PEM", key=b"secret", password="secret"))
    assert "secret" not in repr(TLS(certificate=b"PEM and its secret"))
