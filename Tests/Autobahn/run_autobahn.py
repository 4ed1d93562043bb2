#!/usr/bin/env python3
"""Runs the Autobahn testsuite against one server or one client and compares every verdict with expected.json.

  run_autobahn.py server --url ws://127.0.0.1:9002 --agent me
  run_autobahn.py client --agent me -- COMMAND {url} {agent}
  run_autobahn.py list --profile full

server: the suite is the client, and the server must listen already. It echoes every message and takes messages of 16 MiB.
client: the suite is the server, and COMMAND is run with its URL. A client asks /getCaseCount for a number, echoes on
/runCase?case=N&agent=A for each N from 1 to that number, and ends with /updateReports?agent=A.

Run it with the Python of the environment that scripts/venv makes from requirements.txt; scripts/test_autobahn does all that.
The exit status is 0 only if no verdict differs. Logs and the suite's own pages lie in the folder named at the end.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Support"))
from programs import ProgramError, free_port, python_environment, wait_for_port
from verdicts import differences, load_expected, matches, verdict

WSTEST = [sys.executable, str(HERE / "wstest3.py")]


def compression_cases(numbers):
    """The cases of these numbers from each group: five sorts of payload in family 12, seven offers in family 13."""
    groups = [*(f"12.{payload}" for payload in range(1, 6)), *(f"13.{offer}" for offer in range(1, 8))]
    return [f"{group}.{number}" for group in groups for number in numbers]


# The 132 heaviest compression cases take most of the full profile's time.
HEAVY = compression_cases((7, 8, 9, 10, *range(12, 19)))

# Every sort of payload and every offer, with messages of 16 bytes, of 4 KiB, and of 8 KiB in fragments of 256 bytes.
LIGHT = compression_cases((1, 5, 11))

# name: (cases, but not these)
PROFILES = {
    "quick": ([*(f"{family}.*" for family in (1, 2, 3, 4, 5, 6, 7, 10)), *LIGHT], []),
    "mid": (["*"], HEAVY),
    "deflate": (["12.*", "13.*"], []),
    "perf": (["9.*"], []),
    "full": (["*"], []),
}


@dataclass
class Plan:
    """One run: which cases, in how many processes at once, and where reports go. The suite as a server with a certificate is one for wss."""

    agent: str
    cases: list
    out: Path
    jobs: int = 1
    timeout: int = 3600
    certificate: Optional[Path] = None
    key: Optional[Path] = None


def all_cases():
    """Every case of the suite. It prints them when it starts as a client, even towards a port where nobody listens."""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder, "spec.json")
        servers = [{"agent": "nobody", "url": "ws://127.0.0.1:1"}]
        spec.write_text(json.dumps({"outdir": folder, "servers": servers, "cases": ["*"], "exclude-cases": []}))
        command = [*WSTEST, "-m", "fuzzingclient", "-s", str(spec)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    found = re.search(r"^Cases = \[(.*)\]$", done.stdout, re.MULTILINE)
    if not found:
        raise ProgramError(f"the testsuite does not start:\n{done.stderr}")
    return re.findall(r"[0-9.]+", found.group(1))


def select_cases(profile, only=None):
    """The cases of a profile, or of a list of patterns."""
    included, excluded = (only, []) if only else PROFILES[profile]
    return [case for case in all_cases() if matches(case, included) and not matches(case, excluded)]


def split(cases, parts):
    """Deals the cases out, so that each part gets its share of the slow families."""
    return [part for part in (cases[index::parts] for index in range(parts)) if part]


def start_suite(mode, folder, spec):
    """One process of the suite, with its folder of reports."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("index.json").unlink(missing_ok=True)
    spec.update({"outdir": str(folder), "exclude-cases": [], "exclude-agent-cases": {}, "options": {"failByDrop": False}})
    folder.joinpath("spec.json").write_text(json.dumps(spec))
    command = [*WSTEST, "-m", mode, "-s", str(folder / "spec.json"), "-u", "0"]
    with open(folder / "wstest.log", "wb") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)


def end(processes):
    """Ends what is still running of the processes that this run started."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        process.wait()


def wait_all(processes, timeout):
    """Waits for all; a word about each that did not end well."""
    complaints, deadline = [], time.monotonic() + timeout
    for process in processes:
        try:
            status = process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            status = f"no end after {timeout} s"
        if status != 0:
            complaints.append(f"{' '.join(process.args[:3])}: status {status}")
    return complaints


def collect(folders):
    """The results of all processes: case -> what the suite's index says."""
    results = {}
    for folder in folders:
        index = folder / "index.json"
        if index.exists():
            for cases in json.loads(index.read_text()).values():
                results.update(cases)
    return results


def run_server_side(plan, url):
    """The suite as a client of `url`. Returns results and complaints."""
    parts, running = split(plan.cases, plan.jobs), []
    folders = [plan.out / f"part{index}" for index in range(len(parts))]
    try:
        for folder, part in zip(folders, parts):
            spec = {"servers": [{"agent": plan.agent, "url": url}], "cases": part}
            running.append(start_suite("fuzzingclient", folder, spec))
        complaints = wait_all(running, plan.timeout)
    finally:
        end(running)
    return collect(folders), complaints


def run_client_side(plan, command, port=None):
    """The suite as a server for `command`. Returns results and complaints."""
    parts, suites, clients = split(plan.cases, plan.jobs), [], []
    folders = [plan.out / f"part{index}" for index in range(len(parts))]
    try:
        for index, (folder, part) in enumerate(zip(folders, parts)):
            number = port + index if port else free_port()
            url = f"{'wss' if plan.certificate else 'ws'}://127.0.0.1:{number}"
            identity = {"cert": str(plan.certificate), "key": str(plan.key)} if plan.certificate else {}
            suites.append(start_suite("fuzzingserver", folder, {"url": url, "cases": part, **identity}))
            wait_for_port(number)
            words = [word.replace("{url}", url).replace("{agent}", plan.agent) for word in command]
            with open(folder / "client.log", "wb") as log:
                clients.append(subprocess.Popen(words, stdout=log, stderr=log, env=python_environment()))
        complaints = wait_all(clients, plan.timeout)
    finally:
        end(clients)
        end(suites)
    return collect(folders), complaints


def report(plan, results, complaints, seconds):
    """Prints what differs from expected.json. Returns how many cases are as expected, and how much is not."""
    wrong = differences(plan.cases, load_expected(), results)
    counts = ", ".join(f"{number} {kind}" for kind, number in Counter(map(verdict, results.values())).most_common())
    print(f"{plan.agent}: {len(results)} of {len(plan.cases)} cases in {seconds:.0f} s: {counts or 'no results'}")
    for line in [*(f"{case}: {text}" for case, text in wrong.items()), *complaints]:
        print(f"not ok {plan.agent}: {line}")
    if wrong or complaints:
        print(f"  reports: {plan.out}")
    return len(set(plan.cases) - wrong.keys()), len(wrong) + len(complaints)


def run_side(plan, url=None, command=None, port=None):
    """Runs one side and reports it. Returns how many cases are as expected, and how much is not."""
    start = time.monotonic()
    results, complaints = run_server_side(plan, url) if url else run_client_side(plan, command, port)
    return report(plan, results, complaints, time.monotonic() - start)


def parse_arguments(arguments):
    """The command line; everything after `--` is the client's command."""
    command = []
    if "--" in arguments:
        mark = arguments.index("--")
        arguments, command = arguments[:mark], arguments[mark + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", choices=["server", "client", "list"])
    parser.add_argument("--url", help="the server under test")
    parser.add_argument("--agent", default="testee", help="its name in the reports")
    parser.add_argument("--profile", default="quick", choices=PROFILES)
    parser.add_argument("--only", nargs="*", metavar="CASE", help="cases or families (6.4.*) instead of a profile")
    parser.add_argument("--jobs", type=int, default=1, help="processes of the suite at once")
    parser.add_argument("--port", type=int, help="first port of the suite as a server; default: free ones")
    parser.add_argument("--certificate", type=Path, help="PEM file with which the suite is a server for wss")
    parser.add_argument("--key", type=Path, help="its key")
    parser.add_argument("--out", type=Path, help="folder for reports")
    parser.add_argument("--timeout", type=int, default=3600, help="seconds for the whole run")
    options = parser.parse_args(arguments)
    if options.side == "server" and not options.url:
        parser.error("server needs --url")
    if options.side == "client" and not command:
        parser.error("client needs a command after --")
    return options, command


def main():
    options, command = parse_arguments(sys.argv[1:])
    cases = select_cases(options.profile, options.only)
    if options.side == "list":
        print("\n".join(cases))
        return 0
    out = options.out or HERE / "reports" / f"{options.side}-{options.agent}-{options.profile}"
    identity = [path and path.resolve() for path in (options.certificate, options.key)]
    plan = Plan(options.agent, cases, out.resolve(), options.jobs, options.timeout, *identity)
    _, wrong = run_side(plan, url=options.url, command=command, port=options.port)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
