#!/usr/bin/env python3
"""Runs the benchmark programs in turns and prints what they took, as ratios to other programs that do the same work.

Without options: every case, five repetitions. --smoke runs each program once with few messages and looks at every byte instead of
measuring, and ends with `N passed, M failed, K skipped`. scripts/bench builds the programs and calls this.
"""

import argparse
import json
import os
import platform
import re
import resource
import socket
import subprocess
import sys
from pathlib import Path

import cases
import payloads
import report

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "benchmarks"
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
TIMEOUT = 300


class BenchmarkError(Exception):
    """A program failed; its own words say why."""


def payload(case):
    """The file with the case's message."""
    variants = case.words.get("variants", 1)
    path = WORK / f"payload-{case.size}x{variants}{'-mixed' if case.mixed else ''}"
    if not path.exists():
        path.write_bytes(payloads.text(case.size * variants, case.mixed))
    return path


def processors():
    """Which processors the measured program and its peer run on: different ones where there are two."""
    ours = sorted(os.sched_getaffinity(0))
    return ours[0], ours[-1]


def start(program, words, processor, *sockets):
    """Starts a program on one processor, with these sockets."""
    return subprocess.Popen(
        [str(WORK / program), *(f"{name}={value}" for name, value in words.items())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[end.fileno() for end in sockets],
        preexec_fn=lambda: os.sched_setaffinity(0, [processor]),
    )


def finish(*processes):
    """What the programs printed, all together. None of them outlives the call."""
    said, failures = {}, []
    try:
        for process in processes:
            output, errors = process.communicate(timeout=TIMEOUT)
            if process.returncode == 0:
                said |= json.loads(output)
            else:
                text = errors.decode(errors="replace").strip()
                failures.append(f"{Path(process.args[0]).name}: status {process.returncode}: {text[:400]}")
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()
    if failures:
        raise BenchmarkError("\n".join(failures))
    return said


def run_alone(program, words):
    """A program that is measured."""
    return finish(start(program, words, processors()[0]))


def run_with_peer(program, words):
    """A program that is measured, and its peer at the other end of a pair of sockets."""
    near, far = socket.socketpair()
    with near, far:
        measured = start(program, {**words, "fd": near.fileno()}, processors()[0], near)
        peer = start("peer", {**words, "fd": far.fileno()}, processors()[1], far)
    return finish(measured, peer)


def run_with_crowd(program, words):
    """A program that is measured, and the many clients that it talks to."""
    near, far = socket.socketpair()
    address = f"wsswift-benchmark-{os.getpid()}"
    with near, far, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{address}")
        listener.listen()
        clients = {**words, "fd": far.fileno(), "listener": listener.fileno()}
        crowd = start("crowd", clients, processors()[1], far, listener)
        measured = start(program, {**words, "fd": near.fileno(), "address": address}, processors()[0], near)
    return finish(measured, crowd)


RUN_WITH = {None: run_alone, "peer": run_with_peer, "crowd": run_with_crowd}


def run_once(case, who, messages, verify=0):
    """One run of one program of the case."""
    words = {**case.words, "payload": payload(case), "messages": messages, "verify": verify}
    return RUN_WITH[case.others](case.programs[who], words)


def measure(case, repetitions, share):
    """All runs of the case: the programs take turns, and another one begins each time."""
    runs = {who: [] for who in case.programs}
    order = list(case.programs)
    for _ in range(repetitions):
        for who in order:
            runs[who].append(run_once(case, who, max(1, int(case.messages * share))))
        order.append(order.pop(0))
    return runs


def smoke(chosen):
    """Each program of each case once."""
    passed = failed = 0
    for case in chosen:
        for who in case.programs:
            try:
                run_once(case, who, max(2, 40 // case.connections), verify=1)
                passed += 1
            except (BenchmarkError, OSError, ValueError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"not ok {case.title}, {who}: {error}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


def raise_descriptor_limit(wanted):
    """As many descriptors as the largest broadcast takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))


def words_of(command):
    """The first line that a command prints."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def conditions(repetitions):
    """What the figures depend on."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    name = model[1] if model else platform.machine()
    changed = " with changes" if subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=ROOT, check=False).returncode else ""
    return (
        f"Commit {words_of(['git', 'log', '-1', '--format=%h of %cs'])}{changed}; {name}, {os.cpu_count()} processors; "
        f"Linux {platform.release()}; {words_of(['go', 'version'])}; medians of {repetitions} interleaved repetitions.\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="REGEX", default="", help="the cases whose table or name matches")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--share", type=float, default=1, metavar="X", help="X times as many messages")
    parser.add_argument("--smoke", action="store_true", help="check that all programs work; measure nothing")
    parser.add_argument("--record", action="store_true", help=f"write the tables to {RESULTS.relative_to(ROOT)}")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    chosen = [case for case in cases.ALL if re.search(options.only, case.title)]
    raise_descriptor_limit(100 + max(case.connections for case in chosen))
    if options.smoke:
        return smoke(chosen)
    results = {}
    for case in chosen:
        print(case.title, file=sys.stderr)
        results[case.title] = measure(case, options.repetitions, options.share)
    (WORK / "results.json").write_text(json.dumps(results, indent=1))
    text = conditions(options.repetitions) + "\n" + report.tables(chosen, results)
    print(text)
    if options.record:
        RESULTS.write_text(f"# Results of one run\n\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
