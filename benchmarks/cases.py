"""What is measured: the table of cases, each with the programs that do the same work."""

from dataclasses import dataclass, field

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
    """One message of 1 KiB to every connection of a server."""
    rounds = {1: 60_000, 100: 800, 10_000: 8}
    for connections, messages in rounds.items():
        name = f"{connections:,} connection{'s' if connections > 1 else ''}"
        programs = {OURS: "broadcast", GORILLA: "gorilla", RAW: "raw"}
        words = {"op": "broadcast", "connections": connections}
        yield Case("broadcast", f"{name}, written to each", programs, messages, 1 << 10, words, others="crowd")


ALL = [*conn_cases(), *memory_cases(), *broadcast_cases()]
