"""One small mistake, and how it is written down."""

from typing import NamedTuple


class Mutation(NamedTuple):
    """`old` stands exactly once in the file at `path`; the mistake puts `new` in its place.

    `tests`: those that have to fail, where they are not of the engine's two rings.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...] = ()
