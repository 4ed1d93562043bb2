"""The functions of a program that decide about opening handshakes, in the order of websockets: origins, process_request,
select_subprotocol, process_response.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Callable, List, Optional, Pattern, Sequence, Tuple, Union

from .._handles import quoted
from ..datastructures import Headers, Request, Response, reason_phrase
from ..exceptions import InvalidOrigin, NegotiationError

Origins = Union[Sequence[Union[str, Pattern[str], None]], Callable[[str], bool], None]

_LARGEST_BODY = 65536
# Fields of a refusal that the library writes itself.
_WRITTEN = frozenset({"connection", "content-length", "date"})
_FAILED = b"Failed to open a WebSocket connection.\nSee server log for more information.\n"


@dataclass(frozen=True)
class Decision:
    """How to answer: 101, or a refusal."""

    response: Response
    chooses: bool = False
    """Whether the subprotocol was chosen by a function, and so is no affair of the library's."""
    subprotocol: Optional[str] = None

    @property
    def accepts(self) -> bool:
        return self.response.status_code == 101

    def fields(self) -> List[Tuple[str, str]]:
        """The header fields that the library does not write itself."""
        return [(name, value) for name, value in self.response.headers.raw_items() if name.lower() not in _WRITTEN]


def refusal(status: int, text: str) -> Response:
    """A refusal with a text."""
    return Response(status, reason_phrase(status), body=text.encode())


FAILED = Decision(Response(500, reason_phrase(500), body=_FAILED))
CLOSING = Decision(refusal(503, "Server is shutting down.\n"))


@dataclass(frozen=True)
class Hooks:
    """What serve() was given of them. connection is not open while they run."""

    process_request: Optional[Callable[[Any, Request], Optional[Response]]] = None
    process_response: Optional[Callable[[Any, Request, Response], Optional[Response]]] = None
    select_subprotocol: Optional[Callable[[Any, Sequence[str]], Optional[str]]] = None
    allows_origin: Optional[Callable[[str], bool]] = None
    fields: Sequence[Tuple[str, str]] = field(default_factory=tuple)
    """Those of every 101 response, where process_response may change them."""

    def decide(self, connection: Any, request: Request, logger: Any) -> Decision:
        """Asks them. One that fails, or wants what cannot be sent, is answered 500, and logged."""
        deciding = _Deciding(self, connection, request)
        try:
            return deciding.result()
        except Exception:
            logger.error("%s failed", deciding.step, exc_info=True)
            return FAILED


class _Deciding:
    """One decision, and which function it has come to."""

    def __init__(self, hooks: Hooks, connection: Any, request: Request) -> None:
        self._hooks, self._connection, self._request = hooks, connection, request
        self.step = "origins"

    def result(self) -> Decision:
        decision = self._first()
        _check(decision.response)
        if self._hooks.process_response is None:
            return decision
        self.step = "process_response"
        response = self._hooks.process_response(self._connection, self._request, decision.response)
        if response is None:
            return decision
        _check(response)
        return replace(decision, response=response)

    def _first(self) -> Decision:
        """Without process_response."""
        hooks, connection, request = self._hooks, self._connection, self._request
        try:
            self._check_origin()
            self.step = "process_request"
            response = hooks.process_request(connection, request) if hooks.process_request is not None else None
            if response is not None:
                return Decision(response)
            self.step = "select_subprotocol"
            accepting = Response(101, reason_phrase(101), Headers(hooks.fields))
            if hooks.select_subprotocol is None:
                return Decision(accepting)
            return Decision(accepting, True, hooks.select_subprotocol(connection, offered_subprotocols(request)))
        except InvalidOrigin as error:
            connection.logger.info("opening handshake failed: %s", error)
            return Decision(refusal(403, "Failed to open a WebSocket connection: the origin is not allowed.\n"))
        except NegotiationError as error:
            connection.logger.info("opening handshake failed: %s", error)
            return Decision(refusal(400, f"Failed to open a WebSocket connection: {error}.\n"))

    def _check_origin(self) -> None:
        origin, allows = self._request.headers.get("Origin"), self._hooks.allows_origin
        if allows is not None and origin is not None and not allows(origin):
            raise InvalidOrigin(f"origins does not allow {quoted(origin)}")


def origin_rule(origins: Origins) -> Optional[Callable[[str], bool]]:
    """The function that decides about origins; None where the library's own patterns are enough."""
    if origins is None or callable(origins):
        return origins
    if not any(isinstance(origin, re.Pattern) for origin in origins):
        return None
    if any(isinstance(origin, str) and "*" in origin for origin in origins):
        raise ValueError("origins must not have both patterns of re and strings with a *")
    listed = [origin for origin in origins if origin is not None]
    return lambda given: any(given == origin if isinstance(origin, str) else origin.fullmatch(given) for origin in listed)


def offered_subprotocols(request: Request) -> List[str]:
    """Those that the client speaks, the preferred one first; the library has checked that they are tokens."""
    lines = request.headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for line in lines for name in line.split(",") if name.strip()]


def _check(response: Response) -> None:
    if response.status_code != 101 and not 200 <= response.status_code <= 599:
        raise ValueError(f"status {response.status_code}: only 101 and 200 to 599 can be sent")
    if len(response.body) > _LARGEST_BODY:
        raise ValueError(f"a body of {len(response.body)} bytes: at most {_LARGEST_BODY} can be sent")

