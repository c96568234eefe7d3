"""Text that is not what JSON or UTF-8 allow, as Graph sometimes sends it (facts/graph.md 11, 'Odd text').

A value of the directory holds a stand-in character where the odd bytes go: f"M{INVALID_BYTE}ller". The stand-ins are
private characters, so that a value passes through JSON, tables and tests; only Graph's answers have the bytes.
A name with U+2028 or NUL needs no stand-in: both are characters.
"""

LONE_HIGH = "\U0010fff0"
"""The first half of an emoji whose second half was cut off: \\ud83c, escaped."""
LONE_LOW = "\U0010fff1"
"""The second half without the first: \\udf55, escaped."""
INVALID_BYTE = "\U0010fff2"
"""The byte 0xEB, as Latin-1 writes ë; no UTF-8 decoder takes it where another letter follows."""
NUL = "\0"
LINE_SEPARATOR = "\u2028"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_BYTES = {LONE_HIGH: rb"\ud83c", LONE_LOW: rb"\udf55", INVALID_BYTE: b"\xeb"}
_READ_AS = str.maketrans(dict.fromkeys(_BYTES, "\ufffd"))
_ANY = "\U0010fff0".encode()[:3]
"""The bytes with which every stand-in begins."""


def on_the_wire(body: bytes) -> bytes:
    """A JSON document with the odd bytes instead of their stand-ins."""
    if _ANY not in body:
        return body
    for stand_in, odd in _BYTES.items():
        body = body.replace(stand_in.encode(), odd)
    return body


def as_read[T](value: T) -> T | str:
    """A value as a careful reader understands it: U+FFFD in each bad place, the rest as sent (spec §6)."""
    return value.translate(_READ_AS) if isinstance(value, str) else value
