"""Proxies between our client and the peers' servers: tinyproxy (CONNECT, with and without Basic) and microsocks (SOCKS5, with and
without password), each from the distribution, and what they refuse."""

from dataclasses import dataclass, field

from fronts import Daemon
from programs import EXAMPLES, ProgramError, free_port
from rows import AUTOBAHN_CLIENT, AUTOBAHN_CLIENT_PY, BELIEVING, HERE, LOGS, echo_client_run, identity, run_program

USER = "ada"
PASSWORD = "correcthorse"  # tinyproxy takes letters and digits alone
IN_URL = f"{USER}:{PASSWORD}@"


@dataclass(frozen=True)
class Proxy:
    """A program, how its URL begins, and what our client says when it comes without user and password, or with a wrong one."""

    program: str
    scheme: str
    login: str = ""
    config: str = ""
    refusals: dict = field(default_factory=dict)


WANTED = "wants a user and a password"

# tinyproxy answers a wrong password with 401, as if it were the server.
BASIC = {"no-password": WANTED, "wrong-password": "401"}
PROXIES = {
    "tinyproxy": Proxy("tinyproxy", "http"),
    "tinyproxy with Basic": Proxy("tinyproxy", "http", IN_URL, f"BasicAuth {USER} {PASSWORD}", BASIC),
    "microsocks": Proxy("microsocks", "socks5"),
    "microsocks, names too": Proxy("microsocks", "socks5h"),
    "microsocks with password": Proxy(
        "microsocks", "socks5", IN_URL, refusals={"no-password": WANTED, "wrong-password": "does not accept the user and password"}
    ),
}
LOGINS = {"no-password": "", "wrong-password": f"{USER}:wrong@"}


def start(proxy, log):
    """The proxy and its address."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    if proxy.program == "tinyproxy":
        config = HERE.joinpath("tinyproxy.conf").read_text(encoding="utf-8")
        config = config.replace("@PORT@", str(port)).replace("@MORE@", proxy.config)
        return Daemon(["tinyproxy", "-d", "-c", "tinyproxy.conf"], port, {"tinyproxy.conf": config.encode()}, log), address
    login = ["-u", USER, "-P", PASSWORD] if proxy.login else []
    return Daemon(["microsocks", "-i", "127.0.0.1", "-p", str(port), *login], port, {}, log), address


def refused(name, proxy_url, url, word, log):
    """The line for the tally: our client has no connection, and says that the proxy is why, with this word."""
    output = run_program([EXAMPLES / "wss_client", "--proxy", proxy_url, url], log)
    with open(log, encoding="utf-8") as errors:
        said = errors.read().strip()
    good = "status 2" in output and "proxy" in said and word in said
    return f"ok {name}" if good else f"failed {name}: {said!r}, {output!r}".replace("\n", " ")


def refusals(proxy, address, log):
    """What this proxy does not let through. Nobody listens on the port of a server that is gone."""
    lines = [refused("nobody-there", f"{proxy.scheme}://{proxy.login}{address}", f"ws://127.0.0.1:{free_port()}/", "", log)]
    for name, word in proxy.refusals.items():
        lines.append(refused(name, f"{proxy.scheme}://{LOGINS[name]}{address}", "ws://127.0.0.1:1/", word, log))
    return lines


def run_proxy(tally, title, proxy, peers, log):
    """Our echoing clients through this proxy, plain to one peer and over TLS to the other, and what the proxy refuses."""
    daemon, address = start(proxy, f"{log}.proxy.log")
    try:
        way = ["--proxy", f"{proxy.scheme}://{proxy.login}{address}"]
        program = [*peers["websockets"], *identity()]
        command = [*AUTOBAHN_CLIENT, *way, *BELIEVING]
        echo_client_run(tally, f"through {title}, over TLS to websockets", program, command, f"{log}-tls")
        if "gorilla" in peers:
            for ours, command in {"C": AUTOBAHN_CLIENT, "Python": AUTOBAHN_CLIENT_PY}.items():
                where = f"from {ours} through {title} to gorilla"
                echo_client_run(tally, where, peers["gorilla"], [*command, *way], f"{log}-gorilla-{ours}")
        tally.add(f"refused by {title}", ["nobody-there", *proxy.refusals], "\n".join(refusals(proxy, address, f"{log}.refused.log")))
    finally:
        daemon.stop()


def run(tally, peers):
    """All proxies."""
    for title, proxy in PROXIES.items():
        log = LOGS / title.replace(" ", "-").replace(",", "")
        try:
            run_proxy(tally, title, proxy, peers, log)
        except ProgramError as error:
            tally.fail(f"through {title}", error)
