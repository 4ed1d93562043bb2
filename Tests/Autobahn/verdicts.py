"""Compares the verdicts of a run with the committed table, expected.json, case by case.

A verdict is one string. The suite judges a case twice, by its behaviour and by how the connection was closed: "OK" stands for
both, "NON-STRICT (close OK)" for two different judgements.
"""

import json
import re
from pathlib import Path

EXPECTED = Path(__file__).with_name("expected.json")


def case_order(case):
    """Sorts 2.10 after 2.9."""
    return [int(part) for part in case.split(".")]


def matches(case, patterns):
    """Whether a case is in a list of cases and families such as "9.*"."""
    return any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), case) for pattern in patterns)


def verdict(result):
    """The verdict of one case, from the suite's index.json."""
    behavior, close = result["behavior"], result["behaviorClose"]
    return behavior if behavior == close else f"{behavior} (close {close})"


def load_expected(path=EXPECTED):
    """The committed verdicts: case -> verdict."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def differences(cases, expected, results):
    """What is wrong, by case: another verdict, no result for a case that was to run, a case that nobody expected."""
    wrong = {}
    for case in sorted({*cases, *results}, key=case_order):
        seen = verdict(results[case]) if case in results else "no result"
        if case not in expected:
            wrong[case] = f"not in the table of expected verdicts; got {seen}"
        elif case not in cases:
            wrong[case] = f"was not to run; got {seen}"
        elif seen != expected[case]:
            wrong[case] = f"expected {expected[case]}, got {seen}"
    return wrong
