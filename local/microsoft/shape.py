"""How a tenant's rounds of users/delta look: the switches, and how a round's users are laid out on pages."""

import random
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

LARGEST_PAGE = 200
"""Graph's cap on users/delta (facts/graph.md 11, 'Page size')."""


class Endless(StrEnum):
    """How a round does not end (facts/graph.md 11, 'Endless rounds')."""

    NO = "no"
    SAME_LINK = "same_link"
    """Nobody, and the same next link, for every request."""
    NEW_LINKS = "new_links"
    """The same people each time, behind a next link that is always new."""
    CYCLE = "cycle"
    """The last page leads to the first again."""


class Enabled(StrEnum):
    """What becomes of a selected accountEnabled (facts/graph.md 11, 'accountEnabled' and 'Sparse entities')."""

    TOLD = "told"
    NULL = "null"
    MISSING = "missing"
    MISSING_LATER = "missing_later"
    """It is missing from the second page on; in a read of single users from their second whole mention on."""


class Shape(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How a tenant's rounds look; the defaults are the documented behaviour. Percentages are of a round's users.

    `sparse`: continuing rounds send only what changed, although not asked to. `patches_percent`: users of a first
    round that come again on a later page as a patch; the earlier, whole mention has an older value of one property.
    `strangers`: removed users that nobody ever heard of, in each round. `capital_ids_percent` is of the mentions.
    `byte_order_mark` stands before every page and every error of Graph's.
    """

    page_size: int = LARGEST_PAGE
    random_pages: bool = False
    empty_pages: bool = False
    empty_in_a_row: int = 2
    duplicates_percent: int = 0
    patches_percent: int = 0
    strangers: int = 0
    shuffle: bool = False
    replay: bool = False
    sparse: bool = False
    capital_ids_percent: int = 0
    account_enabled: Enabled = Enabled.TOLD
    byte_order_mark: bool = False
    endless: Endless = Endless.NO
    latency_ms: float = 0.0
    seed: int = 1


class Mention(StrEnum):
    """What a row of a page says about a user."""

    NOW = "now"
    STALE = "stale"
    """An older value, before the newest comes later in the round."""
    REMOVED = "removed"
    """Gone, before he comes back later in the round."""
    RETURNED = "returned"
    """Back in the same round: whole, as every restored user is."""
    BEFORE = "before"
    """Whole, with an older value of the property that a patch tells on a later page."""
    PATCH = "patch"
    """The id and one property."""
    STRANGER = "stranger"
    """Purged, and never heard of before."""


class Row(NamedTuple):
    """One mention of a user on a page. `lot` decides what a patch is about; `capitals` writes the id in capitals."""

    user_id: str
    mention: Mention = Mention.NOW
    lot: float = 0.0
    capitals: bool = False


def paginate(
    ids: Sequence[str], shape: Shape, round_number: int, *, patches: bool = False, largest: int = LARGEST_PAGE
) -> list[list[Row]]:
    """Lay a round's users out on pages, awkwardly where the shape says so; there is always one page at least.

    `patches`: the round is a first one, in which users may come again as a patch.
    """
    rng = random.Random(f"{shape.seed}:{round_number}")
    size = max(1, min(shape.page_size, largest, LARGEST_PAGE))
    rows = _rows(rng, ids, shape)
    pages: list[list[Row]] = []
    start = 0
    while start < len(rows):
        taken = rng.randint(1, size) if shape.random_pages else size
        pages.append(rows[start : start + taken])
        start += taken
    if patches and shape.patches_percent:
        _add_patches(rng, pages, size, shape.patches_percent)
    if shape.empty_pages:
        # First, several in the middle, and last but one.
        middle = len(pages) // 2
        pages = [[], *pages[:middle], *[[]] * shape.empty_in_a_row, *pages[middle:-1], [], *pages[-1:]]
    if shape.capital_ids_percent:
        pages = [[_with_capitals(rng, row, shape.capital_ids_percent) for row in page] for page in pages]
    return pages or [[]]


def _rows(rng: random.Random, ids: Sequence[str], shape: Shape) -> list[Row]:
    rows = [Row(one) for one in ids]
    if shape.shuffle:
        rng.shuffle(rows)
    earlier = (Mention.NOW, Mention.STALE, Mention.REMOVED)
    for _ in range(len(ids) * shape.duplicates_percent // 100):
        last = rng.randrange(len(rows))
        if rows[last].mention is Mention.NOW:
            rows.insert(rng.randrange(last + 1), Row(rows[last].user_id, rng.choice(earlier)))
    for _ in range(shape.strangers):
        stranger = f"{rng.getrandbits(32):08x}-0000-4000-8000-{rng.getrandbits(48):012x}"
        rows.insert(rng.randrange(len(rows) + 1), Row(stranger, Mention.STRANGER))
    gone: set[str] = set()
    for place, row in enumerate(rows):
        if row.mention is Mention.REMOVED:
            gone.add(row.user_id)
        elif row.mention is Mention.NOW and row.user_id in gone:
            rows[place] = row._replace(mention=Mention.RETURNED)
    return rows


def _add_patches(rng: random.Random, pages: list[list[Row]], size: int, percent: int) -> None:
    """Let users come again on a later page: where there is room, else on a page more."""
    known = len(pages)
    last = {row.user_id: (number, place) for number, page in enumerate(pages) for place, row in enumerate(page)}
    for user_id, (number, place) in last.items():
        row = pages[number][place]
        if row.mention in (Mention.NOW, Mention.RETURNED) and rng.random() * 100 < percent:
            lot = rng.random()
            pages[number][place] = row._replace(mention=Mention.BEFORE, lot=lot)
            _add(pages, rng.randint(number + 1, known), size, Row(user_id, Mention.PATCH, lot))


def _add(pages: list[list[Row]], number: int, size: int, row: Row) -> None:
    while number < len(pages) and len(pages[number]) >= size:
        number += 1
    if number == len(pages):
        pages.append([])
    pages[number].append(row)


def _with_capitals(rng: random.Random, row: Row, percent: int) -> Row:
    return row._replace(capitals=True) if rng.random() * 100 < percent else row
