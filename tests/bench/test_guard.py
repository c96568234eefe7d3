"""What a run may cost, exactly: a later change cannot lose it quietly. The figures are those of docs/performance.md."""

import pytest

import limits

PEOPLE, PAGES = 2000, 10


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=PEOPLE)


@pytest.fixture(autouse=True)
def without_heartbeat(monkeypatch):
    """On a slow machine a slice lasts until its first heartbeat, which writes once more."""
    monkeypatch.setattr(limits, "LOOK_AGAIN_AFTER_SECONDS", 600)


async def counted(rig, work):
    """Reads and writes of tables while something is done."""
    methods = []
    count = rig.services.tables._count

    def noted(method):
        methods.append(method)
        count(method)

    rig.services.tables._count = noted
    run = await work()
    rig.services.tables._count = count
    return run, methods.count("GET"), methods.count("POST")


async def test_requests_transactions_and_rows_of_each_kind_of_run(rig, tenant):
    await rig.connect()

    first = await rig.full()
    people = len(rig.expected())
    assert first.counts.added == people
    assert first.cost.graph_requests == PAGES + 2  # The pages, how many there are, and the organisation's name.
    # A page's contacts, each with the row of its name, up to a hundred rows a transaction; and its journal with the
    # checkpoint of the page before.
    contacts = 4 * PAGES
    # Besides: the state read and claimed, the list scanned, what people edited meanwhile, the end.
    assert first.cost.table_transactions == contacts + PAGES + 5

    rows = await rig.rows()
    run, reads, writes = await counted(rig, rig.full)
    assert (run.counts.unchanged, await rig.rows()) == (people, rows)
    assert run.cost.graph_requests == PAGES + 2
    # Asked for, and after; the scan, a thousand rows a transaction; the state; what people edited.
    assert (reads, writes) == (1 + 1 + 2 + 2, 1 + 1 + PAGES + 1)

    run, reads, writes = await counted(rig, rig.delta)
    assert run.cost.graph_requests == 1
    assert run.cost.table_transactions == 4

    ids = sorted(rig.expected())[:10]
    tenant.do(*(("change", one, {"givenName": "New"}) for one in ids))
    run, _, _ = await counted(rig, rig.delta)
    assert run.counts.updated == 10
    assert run.cost.graph_requests == 1
    assert run.cost.table_transactions == 10 + 2 + 4  # A point read each, the journal, the contacts; as with nothing.


async def test_a_delta_of_many_reads_the_list_at_once(rig, tenant):
    await rig.connect()
    await rig.full()
    ids = sorted(rig.expected())[:400]
    tenant.do(*(("change", one, {"givenName": "New"}) for one in ids))

    run, reads, _ = await counted(rig, rig.delta)

    assert run.counts.updated == 400
    assert reads <= 10  # Not four hundred.


async def test_a_new_configuration_reads_the_list_at_once(rig, tenant):
    await rig.connect()
    await rig.full()

    _, reads, _ = await counted(rig, lambda: rig.configure(include_guests=True))

    assert reads <= 10
