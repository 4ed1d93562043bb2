"""What an opening handshake is made of, as Python values: header fields, the request, the response."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Iterable, Iterator, List, Mapping, MutableMapping, Tuple, Union

__all__ = ["Headers", "HeadersLike", "Request", "Response"]

# Fields whose values are secrets, which repr() leaves out: it ends in logs.
_SECRETS = frozenset(["authorization", "proxy-authorization", "cookie", "set-cookie"])

HeadersLike = Union[Mapping[str, str], Iterable[Tuple[str, str]]]


class Headers(MutableMapping[str, str]):
    """Header fields in the order received. Names are compared without case (RFC 9110 5.1).

    `headers[name]` is the first field of that name; get_all() has all of them, raw_items() every field. Setting one adds a field;
    del removes all of that name.
    """

    def __init__(self, fields: HeadersLike = ()) -> None:
        self._fields: List[Tuple[str, str]] = list(header_pairs(fields))

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return values[0]

    def __setitem__(self, name: str, value: str) -> None:
        self._fields.append((name, value))

    def __delitem__(self, name: str) -> None:
        wanted = name.lower()
        self._fields = [(key, value) for key, value in self._fields if key.lower() != wanted]

    def __iter__(self) -> Iterator[str]:
        """Each name once, in lower case."""
        return iter(dict.fromkeys(name.lower() for name, _ in self._fields))

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self._fields})

    def __repr__(self) -> str:
        shown = [(name, "..." if name.lower() in _SECRETS else value) for name, value in self._fields]
        return f"Headers({shown!r})"

    def get_all(self, name: str) -> List[str]:
        """The values of all fields of that name, in order; empty when there are none."""
        wanted = name.lower()
        return [value for key, value in self._fields if key.lower() == wanted]

    def raw_items(self) -> Iterator[Tuple[str, str]]:
        """Every field as received, repeated names included."""
        return iter(self._fields)


def header_pairs(fields: HeadersLike) -> Iterable[Tuple[str, str]]:
    """Name and value of each field of a mapping or of a sequence of pairs."""
    if isinstance(fields, Headers):
        return fields.raw_items()
    if isinstance(fields, Mapping):
        return fields.items()
    return fields


@dataclass(frozen=True)
class Request:
    """An opening handshake request. path is the request target: path and query."""

    path: str
    headers: Headers


@dataclass(frozen=True)
class Response:
    """An answer to a request: the server's, or that of process_request, which refuses with it.

    body: of a server's answer, at most the first 1024 bytes. reason_phrase: the standard one for the status.
    """

    status_code: int
    reason_phrase: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""


def reason_phrase(status_code: int) -> str:
    """The standard phrase for a status, or nothing."""
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return ""
