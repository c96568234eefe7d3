"""Text that somebody else wrote, as it can be stored and shown (pure)."""


def storable(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON may hold and no store takes; each becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
