"""`$filter` of the list of users: `startswith`, `eq`, `and`, `or`, brackets (facts/graph.md 2.1)."""

import re
from collections.abc import Callable, Mapping

from local.microsoft.graph_answers import GraphRefusal

type _Test = Callable[[Mapping[str, object]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<starts>startswith\((?P<field>\w+),\s*'(?P<text>(?:[^']|'')*)'\))"
    r"|(?P<equals>(?P<name>\w+) eq '(?P<value>(?:[^']|'')*)')|(?P<word>and|or)\b|(?P<bracket>[()]))"
)


def user_filter(text: str) -> _Test:
    """The test that a user passes or not, without case as in Graph.

    Raises:
        GraphRefusal: Graph would not understand it.
    """
    tokens, place = [], 0
    while place < len(text.rstrip()):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _refused()
        tokens.append(found)
        place = found.end()
    test = _either(tokens)
    if tokens:
        raise _refused()
    return test


def _either(tokens: list[re.Match[str]]) -> _Test:
    tests = [_both(tokens)]
    while tokens and tokens[0]["word"] == "or":
        tokens.pop(0)
        tests.append(_both(tokens))
    return lambda user: any(test(user) for test in tests)


def _both(tokens: list[re.Match[str]]) -> _Test:
    tests = [_one(tokens)]
    while tokens and tokens[0]["word"] == "and":
        tokens.pop(0)
        tests.append(_one(tokens))
    return lambda user: all(test(user) for test in tests)


def _one(tokens: list[re.Match[str]]) -> _Test:
    if not tokens:
        raise _refused()
    found = tokens.pop(0)
    if found["bracket"] == "(":
        test = _either(tokens)
        if not tokens or tokens.pop(0)["bracket"] != ")":
            raise _refused()
        return test
    if found["starts"]:
        return lambda user: _text(user, found["field"]).startswith(found["text"].replace("''", "'").lower())
    if found["equals"]:
        return lambda user: _text(user, found["name"]) == found["value"].replace("''", "'").lower()
    raise _refused()


def _text(user: Mapping[str, object], name: str) -> str:
    value = user.get(name)
    return value.lower() if isinstance(value, str) else ""


def _refused() -> GraphRefusal:
    return GraphRefusal(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause.")
