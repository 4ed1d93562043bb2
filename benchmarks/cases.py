"""What is measured: the table of cases, each with the programs that do the same work."""

from dataclasses import dataclass, field, replace

SIZES = {"20 B": 20, "1 KiB": 1 << 10, "64 KiB": 1 << 16, "1 MiB": 1 << 20}
ROLES = ("server", "client")

OURS, GORILLA, RAW, ZLIB = "wsswift", "gorilla", "raw", "zlib"


@dataclass(frozen=True)
class Case:
    """The programs (by who they stand for), their words, and the message. others: who is at the other end."""

    table: str
    name: str
    programs: dict
    messages: int
    size: int
    words: dict = field(default_factory=dict)
    mixed: bool = False
    others: str = None

    @property
    def title(self):
        return f"{self.table}: {self.name}"

    @property
    def connections(self):
        return self.words.get("connections", 1)


def conn_cases():
    """A ws_conn over a pair of sockets whose other end is another process."""
    messages = {20: 200_000, 1 << 10: 150_000, 1 << 16: 8_000, 1 << 20: 500}
    for op in ("read", "write"):
        for role in ROLES:
            for label, size in SIZES.items():
                yield Case(
                    "conn", f"{op}, {role}, {label}", {OURS: "conn", GORILLA: "gorilla", RAW: "raw"}, messages[size], size,
                    {"op": op, "role": role}, others="peer",
                )  # fmt: skip


def stream_cases():
    """Large messages piece by piece: read 16 KiB at a time, written 4 KiB at a time."""
    for case in conn_cases():
        if case.size > 1 << 10:
            words = {**case.words, "op": f"{case.words['op']}-stream"}
            yield replace(case, table="stream", programs={OURS: "conn", GORILLA: "gorilla"}, words=words)


def memory_cases():
    """An engine without sockets; gorilla over a net.Conn that is memory."""
    messages = {20: 2_000_000, 1 << 10: 1_000_000, 1 << 16: 30_000, 1 << 20: 1_500}
    programs = {OURS: "memory", GORILLA: "gorilla", RAW: "raw"}
    for op in ("parse", "make"):
        for role in ROLES:
            for label, size in SIZES.items():
                yield Case("memory", f"{op}, {role}, {label}", programs, messages[size], size, {"op": op, "role": role})
    for mixed in (False, True):
        for label in ("1 KiB", "64 KiB"):
            size = SIZES[label]
            name = f"parse, server, {label} of {'mixed' if mixed else 'ASCII'} text"
            words = {"op": "parse", "role": "server", "type": "text"}
            yield Case("memory", name, programs, messages[size] // 4, size, words, mixed=mixed)


def broadcast_cases():
    """One message of 1 KiB to every connection of a server: written to each, or prepared once."""
    rounds = {1: 60_000, 100: 800, 10_000: 8}
    programs = {OURS: "broadcast", GORILLA: "gorilla", RAW: "raw"}
    for deflate in (0, 1):
        for connections, messages in rounds.items():
            for prepared in (0, 1):
                name = f"{connections:,} connection{'s' if connections > 1 else ''}{', compressed' if deflate else ''}"
                name += ", prepared" if prepared else ", written to each"
                words = {"op": "broadcast", "connections": connections, "prepared": prepared, "deflate": deflate}
                # Compressing for each connection takes its time.
                few = max(2, messages // 10) if deflate and not prepared else messages
                yield Case("broadcast", name, programs, few, 1 << 10, words, others="crowd")


def compressed_cases():
    """The cases of a ws_conn once more with permessage-deflate, without context takeover, which is all that gorilla knows."""
    messages = {20: 60_000, 1 << 10: 12_000, 1 << 16: 500, 1 << 20: 40}
    for case in conn_cases():
        programs = {OURS: "conn", GORILLA: "gorilla"}
        words = {**case.words, "deflate": 1}
        yield replace(case, table="compressed", programs=programs, messages=messages[case.size], words=words)


def deflate_cases():
    """Compressing and decompressing, with and without context takeover; 64 different messages in turns."""
    messages = {1 << 10: 15_000, 1 << 16: 500}
    for takeover in (0, 1):
        for label in ("1 KiB", "64 KiB"):
            size = SIZES[label]
            name = f"{label}, {'with' if takeover else 'no'} context takeover"
            words = {"op": "roundtrip", "deflate": 1, "takeover": takeover, "variants": 64}
            programs = {OURS: "deflate", ZLIB: "zlib"} | ({} if takeover else {GORILLA: "gorilla"})
            yield Case("deflate", name, programs, messages[size], size, words)


ALL = [*conn_cases(), *stream_cases(), *memory_cases(), *compressed_cases(), *deflate_cases(), *broadcast_cases()]
