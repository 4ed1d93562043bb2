"""Header fields."""

from wsswift import Headers


def test_names_are_compared_without_case():
    headers = Headers([("Set-Cookie", "a"), ("X-One", "1"), ("set-cookie", "b")])
    assert headers["SET-COOKIE"] == "a"
    assert headers.get_all("Set-cookie") == ["a", "b"]
    assert headers.get("absent") is None and headers.get_all("absent") == []
    assert "x-one" in headers and "x-two" not in headers
    assert len(headers) == 2 and list(headers) == ["set-cookie", "x-one"]
    assert list(headers.raw_items()) == [("Set-Cookie", "a"), ("X-One", "1"), ("set-cookie", "b")]


def test_sources():
    assert list(Headers({"A": "1"}).raw_items()) == [("A", "1")]
    assert list(Headers(Headers([("A", "1"), ("A", "2")])).raw_items()) == [("A", "1"), ("A", "2")]
    assert Headers() == {}


def test_secrets_are_not_printed():
    fields = [("Host", "h"), ("authorization", "secret"), ("Cookie", "secret"), ("Set-Cookie", "secret")]
    assert "secret" not in repr(Headers(fields))
    assert repr(Headers(fields[:2])) == "Headers([('Host', 'h'), ('authorization', '...')])"
