"""A list by name, and found at once: a page is one query, and so is the beginning of a name (spec §7)."""

import pytest

from contacts.contact import Contact, ContactId, Link, partition_of, write_operations
from contacts.edits import edited, removed
from contacts.listing import Listing, Part
from contacts.store import ContactStore, ScanRow
from errors import Refused
from mapping.fields import ObjectId
from tests.memory import MemoryTables

PARTITION = partition_of("w", "people")


class People:
    """A list in memory. `queries` counts what was read since `begin`."""

    def __init__(self):
        self.queries = 0
        self.tables = MemoryTables(self._count)
        self.store = ContactStore(self.tables)
        self.listing = Listing(self.tables, self.store)
        self.made = 0

    def _count(self, method):
        self.queries += method == "GET"

    async def add(self, *, link=Link.LINKED, **fields):
        self.made += 1
        contact_id = ObjectId(f"{self.made:08x}-0000-4000-8000-000000000000")
        contact = Contact(ContactId(contact_id), fields, link, "2026", "2026", source_id=contact_id)
        await self.write(None, contact)
        return contact_id

    async def write(self, before, after):
        await self.tables.transact(PARTITION, write_operations(before, after))

    async def contact(self, contact_id):
        return (await self.store.read(PARTITION, [contact_id]))[contact_id]

    async def page(self, text="", most=50, continuation="", part=None, *, ordered=True):
        return await self.listing.page(PARTITION, text, most, continuation, part, ordered=ordered)

    async def names(self, most=1000):
        """Everybody by name, page by page."""
        found, continuation = [], ""
        while True:
            contacts, continuation = await self.page("", most, continuation)
            found += [shown(one) for one in contacts]
            if not continuation:
                return found

    async def search(self, text, most=1000):
        """All that a search finds, page by page."""
        found, continuation = [], ""
        while True:
            contacts, continuation = await self.page(text, most, continuation)
            found += [shown(one) for one in contacts]
            if not continuation:
                return found


def shown(contact):
    return " ".join(contact.fields.get(one, "") for one in ("firstName", "lastName")).strip() or contact.email


@pytest.fixture
def people():
    return People()


@pytest.mark.parametrize("most", [1, 2, 1000])
async def test_the_list_is_by_last_name_then_first_name_on_pages_of_any_size(people, most):
    for first, last in [("Zoe", "Berg"), ("Åsa", "Öberg"), ("Ann", "berg Hansen"), ("Bo", "Berg"), ("Al", "Zorn")]:
        await people.add(firstName=first, lastName=last)

    assert await people.names(most) == ["Bo Berg", "Zoe Berg", "Ann berg Hansen", "Åsa Öberg", "Al Zorn"]


async def test_who_has_no_last_name_stands_where_the_first_name_or_the_address_belongs(people):
    await people.add(firstName="Al", lastName="Zorn")
    await people.add(firstName="Reception")
    await people.add(email="desk@contoso.example")
    await people.add(jobTitle="Nameless")

    assert await people.names() == ["desk@contoso.example", "Reception", "Al Zorn", None]


async def test_a_page_is_one_query_and_shows_all_of_a_contact(people):
    contact_id = await people.add(
        firstName="Ann", lastName="Berg", email="ann@contoso.example", company="Contoso", floor="3"
    )
    people.queries = 0

    contacts, _ = await people.page()

    assert people.queries == 1
    stored = await people.contact(contact_id)
    for field in ("id", "fields", "link", "source_id", "created_at", "updated_at"):
        assert getattr(contacts[0], field) == getattr(stored, field)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cla", ["Ruth Clarke", "Zoe Clarke"]),
        ("ruth", ["Ruth Clarke", "Ruth Müller"]),
        ("ruth.m@", ["Ruth Müller"]),
        ("muller", ["Ruth Müller"]),
        ("MÜL", ["Ruth Müller"]),
        ("ruth clarke", ["Ruth Clarke"]),
        ("clarke ruth", ["Ruth Clarke"]),
        ("van der", ["Ann van der Berg"]),
        ("ann van der berg", ["Ann van der Berg"]),
        ("mary ann", ["Mary Ann Smith"]),
        ("mary ann smi", ["Mary Ann Smith"]),
    ],
)
async def test_the_beginning_of_a_name_or_an_address_finds_with_one_query(people, text, expected):
    for first, last, email in [
        ("Ruth", "Clarke", "rc@contoso.example"),
        ("Zoe", "Clarke", "zc@contoso.example"),
        ("Ruth", "Müller", "ruth.m@contoso.example"),
        ("Ann", "van der Berg", "ab@contoso.example"),
        ("Mary Ann", "Smith", "ms@contoso.example"),
    ]:
        await people.add(firstName=first, lastName=last, email=email)
    people.queries = 0

    contacts, _ = await people.page(text)

    assert people.queries == 1
    assert [shown(one) for one in contacts] == expected


@pytest.mark.parametrize("most", [1, 2, 1000])
async def test_a_search_goes_on_inside_words_and_names_nobody_twice(people, most):
    await people.add(firstName="Ann", lastName="Annan", email="ann@contoso.example")
    await people.add(firstName="Ann", lastName="Berg", email="ann.berg@contoso.example")
    await people.add(firstName="Joanna", lastName="Smith")
    await people.add(firstName="Bo", lastName="Zorn")

    assert await people.search("ann", most) == ["Ann Annan", "Ann Berg", "Joanna Smith"]


@pytest.mark.parametrize("text", ["berg", "ÖBERG", "O'Hara", "berg/x"])
async def test_what_people_type_finds_as_it_is_meant(people, text):
    await people.add(firstName="Ånn", lastName="Öberg")
    await people.add(firstName="Pat", lastName="O'Hara")
    await people.add(firstName="Q", lastName="Berg/X")

    assert len(await people.search(text.lower())) == (2 if text == "berg" else 1)


async def test_words_are_found_in_any_order_and_anywhere(people):
    await people.add(firstName="Ann", lastName="Berg", jobTitle="Head of Design", company="Contoso")
    await people.add(firstName="Bo", lastName="Design", company="Fabrikam")

    assert await people.search("design contoso") == ["Ann Berg"]
    assert await people.search("design") == ["Bo Design", "Ann Berg"]


class TestAPart:
    @pytest.fixture
    async def people(self, people):
        """Of each kind of contact two: an Ann and a Bo."""
        for number, kind in enumerate(("Berg", "Clarke", "Davis", "Evans")):
            link = (Link.LINKED, Link.UNLINKED, Link.LOCAL, Link.LINKED)[number]
            for first in ("Ann", "Bo"):
                contact_id = await people.add(firstName=first, lastName=kind, link=link)
                if kind == "Evans":
                    before = await people.contact(contact_id)
                    await people.write(before, edited(before, {"city": "Bern"}, "2027"))
        gone = await people.contact(await people.add(firstName="Ann", lastName="Gone"))
        await people.write(gone, removed(gone, "2027"))
        people.queries = 0
        return people

    @pytest.mark.parametrize("ordered", [True, False])
    @pytest.mark.parametrize(
        ("part", "names"),
        [
            (None, ["Berg", "Clarke", "Davis", "Evans"]),
            (Part.LINKED, ["Berg", "Evans"]),
            (Part.LEFT, ["Clarke"]),
            (Part.LOCAL, ["Davis"]),
            (Part.ATTENTION, ["Evans"]),
        ],
    )
    async def test_is_one_query_a_page(self, people, part, names, ordered):
        contacts, continuation = await people.page("", 50, "", part, ordered=ordered)

        assert (people.queries, continuation) == (1, "")
        listed = [shown(one) for one in contacts if one.link is not Link.REMOVED]
        assert listed == [f"{first} {last}" for last in names for first in ("Ann", "Bo")]

    @pytest.mark.parametrize("most", [1, 2])
    async def test_comes_page_by_page(self, people, most):
        found, continuation = [], ""
        while continuation or not found:
            contacts, continuation = await people.page("", most, continuation, Part.LINKED)
            found += [shown(one) for one in contacts]

        assert found == ["Ann Berg", "Bo Berg", "Ann Evans", "Bo Evans"]

    @pytest.mark.parametrize("text", ["bo", "evans bo", "bo e", "bo van der e"])
    async def test_is_searched_with_one_query(self, people, text):
        """The longest of these has as many comparisons as the service takes (tests/memory.py counts them)."""
        contacts, _ = await people.page(text, 50, "", Part.ATTENTION)

        assert people.queries == 1
        assert [shown(one) for one in contacts] == ["Bo Evans"]

    async def test_is_searched_inside_words_too(self, people):
        _, continuation = await people.page("van", 50, "", Part.ATTENTION)
        contacts, _ = await people.page("van", 50, continuation, Part.ATTENTION)

        assert [shown(one) for one in contacts] == ["Ann Evans", "Bo Evans"]


async def test_a_list_of_an_older_version_comes_by_id_and_is_searched(people):
    await people.add(firstName="Zoe", lastName="Zorn")
    await people.add(firstName="Ann", lastName="Berg")

    contacts, continuation = await people.page(most=1, ordered=False)
    # The list is completed before the second page is asked for.
    more, _ = await people.page(most=1, continuation=continuation)
    found, _ = await people.page("berg", ordered=False)

    assert [shown(one) for one in (*contacts, *more, *found)] == ["Zoe Zorn", "Ann Berg", "Ann Berg"]


async def test_each_page_of_a_long_list_is_one_query_and_so_is_a_search(people):
    for number in range(0, 4000, 1000):
        for start in range(0, 1000, 50):
            ids = [f"{number + start + one:08x}-0000-4000-8000-000000000000" for one in range(50)]
            made = [Contact(ContactId(one), {"lastName": f"L{one}"}, Link.LINKED, "", "") for one in ids]
            await people.tables.transact(PARTITION, [two for one in made for two in write_operations(None, one)])
    people.queries = 0

    first, continuation = await people.page()
    following, _ = await people.page(continuation=continuation)
    found, _ = await people.page("l00000f05")

    assert (people.queries, len(first), len(following)) == (3, 50, 50)
    assert [one.id[:8] for one in found] == ["00000f05"]


async def test_a_renamed_contact_moves_and_a_removed_one_is_gone(people):
    contact_id = await people.add(firstName="Ann", lastName="Berg")
    await people.add(firstName="Bo", lastName="Zorn")
    before = await people.contact(contact_id)
    await people.write(before, edited(before, {"lastName": "Zuse"}, "2027"))
    assert await people.names() == ["Bo Zorn", "Ann Zuse"]
    assert await people.search("berg") == []
    before = await people.contact(contact_id)

    await people.write(before, removed(before, "2028"))

    assert await people.names() == ["Bo Zorn"]
    assert not [row for _, row in people.tables.rows() if row["RowKey"].startswith("name:") and "zuse" in row["RowKey"]]


async def test_a_deleted_contact_leaves_no_row(people):
    contact_id = await people.add(firstName="Ann", lastName="Berg", email="ann@contoso.example")

    await people.write(await people.contact(contact_id), None)

    assert people.tables.rows() == []


async def test_the_scan_of_a_run_reads_no_name_row(people):
    await people.add(firstName="Ann", lastName="Berg", email="ann@contoso.example", link=Link.UNLINKED)

    scanned = [row.row_key async for rows in people.store.scan(PARTITION, ScanRow) for row in rows]

    assert len(scanned) == 2
    assert not any(key.startswith("name:") for key in scanned)


async def test_names_of_any_length_and_letters_make_keys(people):
    await people.add(firstName="\N{GRINNING FACE}" * 300, lastName="/\\#?\t:\u2028" + "語" * 300, email="e" * 300)

    assert len(await people.names()) == 1
    contacts, continuation = await people.page(most=1)
    assert len(contacts) == 1
    assert len(continuation) <= 512


@pytest.mark.parametrize("continuation", ["x.abc", "n.w", "nonsense", "i.\u00e9"])
async def test_a_continuation_that_no_answer_said_is_refused(people, continuation):
    await people.add(firstName="Ann", lastName="Berg")

    with pytest.raises(Refused):
        await people.page("ann", 50, continuation)
