"""What callers send: bodies and query parameters, read strictly. Bad input names its field and reaches nothing."""

import re

import azure.functions as func
import msgspec

import limits
from errors import Refused

_DEEPEST = 16
_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_MOST = 1000
_LONGEST_CONTINUATION = 512
_LONGEST_SEARCH = 100
# Only characters of our row keys: a continuation comes back from the caller and goes into a query.
_CONTINUATION = re.compile(r"[A-Za-z0-9:;!._-]*")


class TooLarge(Refused):
    code = "too_large"
    status = 413


class WrongType(Refused):
    code = "wrong_content_type"
    status = 415


def read_body[T](req: func.HttpRequest, shape: type[T]) -> T:
    """The JSON body as a typed value.

    Raises:
        TooLarge, WrongType
        Refused: not JSON, an unknown field, or a wrong type; the field is named.
    """
    body = req.get_body() or b""
    if len(body) > limits.LARGEST_BODY_BYTES:
        raise TooLarge(f"The body is larger than {limits.LARGEST_BODY_BYTES // 1024} KB.")
    # Browsers send other types across origins without asking: with this one they ask first.
    kind = req.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise WrongType("Send the body as application/json.")
    # The host hands a compressed body on as it is, and of a chunked one nothing (facts/functions.md 11).
    if req.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WrongType("Send the body without Content-Encoding: compressed bodies are not read.")
    if not body:
        raise Refused("There is no body. Send it with Content-Length: a chunked body arrives empty.", {"body": "empty"})
    # Before it is decoded: deep nesting would exhaust the decoder's stack.
    if nests_too_deeply(body):
        raise Refused("The body is nested too deeply.", {"body": f"more than {_DEEPEST} levels"})
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        # msgspec tells the place in its message alone: '… - at `$.fieldMappings[0].source`'.
        place = _PLACE.search(str(error))
        reason = _PLACE.sub("", str(error))
        unknown = re.search(r"contains unknown field `([^`]*)`", reason)
        field = ".".join(part for part in (place[1] if place else "", unknown[1] if unknown else "") if part)
        raise Refused("The body is not as it should be.", {field[:100] or "body": reason[:200]}) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Refused("The body is not JSON.", {"body": "not valid JSON"}) from error


def nests_too_deeply(body: bytes) -> bool:
    return _depth(body) > _DEEPEST


def _depth(body: bytes) -> int:
    """How deep brackets nest, an upper bound: those in texts count too, but only when they are not closed."""
    deepest = depth = 0
    for byte in re.findall(rb"[\[\]{}]", body):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def whole_number(text: str, most: int) -> int | None:
    """A number from 0 to `most` as a person writes it, without sign or leading zeros; None for anything else."""
    plain = text.isascii() and text.isdigit() and (text == "0" or not text.startswith("0"))
    return int(text) if plain and len(text) <= len(str(most)) and int(text) <= most else None


def page_of(req: func.HttpRequest, default: int = 100) -> tuple[int, str]:
    """`limit`, from 1 to 1000, and `continuation`: what an earlier answer said, '' for the beginning.

    Raises:
        Refused
    """
    limit = whole_number(req.params.get("limit", str(default)), _MOST)
    if not limit:
        raise Refused("The limit is not valid.", {"limit": f"a whole number from 1 to {_MOST}"})
    continuation = req.params.get("continuation", "")
    if len(continuation) > _LONGEST_CONTINUATION or not _CONTINUATION.fullmatch(continuation):
        raise Refused("The continuation is not valid.", {"continuation": "use the one of an earlier answer"})
    return limit, continuation


def search_of(req: func.HttpRequest) -> str:
    """`search`, without blanks at its ends; '' for everything.

    Raises:
        Refused
    """
    search: str = req.params.get("search", "").strip()
    if len(search) > _LONGEST_SEARCH:
        raise Refused("The search is not valid.", {"search": f"at most {_LONGEST_SEARCH} characters"})
    return search
