"""Medians of interleaved repetitions, as Markdown tables. Ratios are taken within each repetition, where the machine was the same for
both, and the median of those is shown."""

import statistics

from cases import GORILLA, OURS, RAW, ZLIB
from tabulate import tabulate

TITLES = {
    "conn": "ws_conn through a pair of sockets",
    "memory": "Parsing and making frames in memory",
    "stream": "ws_conn through a pair of sockets, messages piece by piece",
    "compressed": "ws_conn through a pair of sockets, with permessage-deflate",
    "deflate": "permessage-deflate in memory: compressing and decompressing",
    "broadcast": "One message to many connections",
}


def cpu(run):
    """Microseconds of processor time a message."""
    return (run["user"] + run["system"]) / run["messages"] / 1000


def rate(run):
    """Messages a second of wall clock."""
    return run["messages"] / run["wall"] * 1e9


def number(value):
    """Three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def median(runs, figure):
    return number(statistics.median(figure(run) for run in runs))


def ratio(ours, theirs):
    """The median of the ratios of processor time, and the lowest and highest."""
    ratios = [cpu(one) / cpu(other) for one, other in zip(ours, theirs) if cpu(other) > 0]
    if not ratios:
        return "-"
    return f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}-{max(ratios):.2f})"


def row(case, runs, others):
    """One line: our figures, then for each other its processor time and ours in proportion."""
    cells = [case.name, median(runs[OURS], rate), median(runs[OURS], cpu)]
    for other in others:
        there = other in runs
        cells += [median(runs[other], cpu), ratio(runs[OURS], runs[other])] if there else ["-", "-"]
    return cells


def table(cases, results):
    """The table of cases that belong together."""
    others = [other for other in (GORILLA, RAW, ZLIB) if any(other in case.programs for case in cases)]
    headers = ["", "messages/s", "CPU µs/message"]
    for other in others:
        headers += [f"{other}: CPU µs/message", f"wsswift / {other}"]
    rows = [row(case, results[case.title], others) for case in cases]
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True, colalign=["left"] + ["right"] * (len(headers) - 1))


def tables(cases, results):
    """All tables, each under its title."""
    parts = []
    for name, title in TITLES.items():
        chosen = [case for case in cases if case.table == name and case.title in results]
        if chosen:
            parts.append(f"## {title}\n\n{table(chosen, results)}\n")
    return "\n".join(parts)
