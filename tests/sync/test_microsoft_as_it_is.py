"""What Microsoft really sends, and its documentation does not tell (facts/graph.md 11; spec §3, §6)."""

import pytest

from contacts.contact import Link, own_contact_id
from contacts.edit_store import EditStore
from contacts.edits import created
from local.microsoft.faults import FOR_EVER
from local.microsoft.odd_text import INVALID_BYTE, LINE_SEPARATOR, LONE_HIGH
from mapping.configuration import Configuration, ConflictResolution, FieldMapping
from workspace.run import Mode, RunState, Trigger

JOB = (*Configuration().field_mappings, FieldMapping("jobTitle", "jobTitle"))


def requests(tenant):
    told = tenant.state()["requests"]
    return told.get("delta", 0)


async def test_a_patch_changes_what_it_mentions_and_nothing_else(rig, tenant):
    tenant.hire(givenName="Ada", surname="King", jobTitle="Analyst")
    await rig.connect(field_mappings=JOB)
    await rig.full()
    tenant.shape(sparse=True)
    someone = max(rig.expected(JOB))
    tenant.change(someone, jobTitle="Head")

    run = await rig.delta()

    assert (run.counts.updated, run.counts.removed + run.counts.unlinked) == (1, 0)
    assert await rig.linked() == rig.expected(JOB)


async def test_null_clears_in_a_sparse_round(rig, tenant):
    someone = tenant.hire(givenName="Ada", surname="King", jobTitle="Analyst")
    await rig.connect(field_mappings=JOB)
    await rig.full()
    tenant.shape(sparse=True)
    tenant.change(someone, surname=None)

    await rig.delta()

    assert (await rig.linked())[someone] == {"firstName": "Ada", "jobTitle": "Analyst"}


@pytest.mark.parametrize("who", [{"accountEnabled": False}, {"userType": "Guest"}])
async def test_who_is_out_of_scope_does_not_come_in_by_a_patch(rig, tenant, who):
    someone = tenant.hire(givenName="Ada", **who)
    await rig.connect(field_mappings=JOB)
    await rig.full()
    tenant.shape(sparse=True)
    tenant.change(someone, jobTitle="Head")
    before = tenant.state()["requests"].get("filtered", 0)

    run = await rig.delta()

    assert someone not in await rig.linked()
    assert run.counts.added == 0
    assert tenant.state()["requests"]["filtered"] == before + 1


async def test_who_comes_into_scope_by_a_patch_is_read_whole(rig, tenant):
    someone = tenant.hire(givenName="Ada", surname="King", accountEnabled=False)
    await rig.connect()
    await rig.full()
    tenant.shape(sparse=True)
    tenant.change(someone, accountEnabled=True)

    await rig.delta()

    assert (await rig.linked())[someone]["lastName"] == "King"


async def test_unknown_people_who_are_not_whole_cost_one_request_for_fifty(rig, tenant):
    people = [tenant.hire(givenName=f"Ada {n}", accountEnabled=False) for n in range(120)]
    await rig.connect(field_mappings=JOB)
    await rig.full()
    tenant.shape(sparse=True)
    for one in people:
        tenant.change(one, jobTitle="Head")
    tenant.reset_counters()

    await rig.delta()

    assert tenant.state()["requests"]["filtered"] == 3


async def test_a_patch_on_a_later_page_of_a_first_round_is_laid_over_the_earlier_page(rig, tenant):
    for n in range(30):
        tenant.hire(givenName=f"Ada {n}", surname="King", jobTitle="Analyst")
    tenant.shape(page_size=7, patches_percent=50)
    await rig.connect(field_mappings=JOB)

    await rig.full()

    assert await rig.linked() == rig.expected(JOB)


async def test_under_keep_local_the_last_word_of_a_run_counts(rig, tenant):
    for n in range(20):
        tenant.hire(givenName=f"Ada {n}", surname="King", jobTitle="Analyst")
    tenant.shape(page_size=5, patches_percent=60, duplicates_percent=50)
    await rig.connect(field_mappings=JOB, conflict_resolution=ConflictResolution.KEEP_LOCAL)

    await rig.full()

    assert await rig.linked() == rig.expected(JOB)


@pytest.mark.parametrize("shape", ["BadRequest", "UnknownError", "Directory_ExpiredPageToken"])
async def test_a_link_that_is_refused_for_good_becomes_a_full_round(rig, tenant, shape):
    await rig.connect()
    await rig.full()
    tenant.expire(shape)
    tenant.hire(givenName="New")

    run = await rig.delta()

    assert (run.state, run.mode, run.restarted) == (RunState.COMPLETED, Mode.FULL, True)
    assert await rig.linked() == rig.expected()


async def test_a_link_that_is_refused_once_is_kept(rig, tenant):
    await rig.connect()
    await rig.full()
    tenant.fault("delta", link="stored", status=400, code="BadRequest")

    run = await rig.delta()

    assert (run.state, run.mode) == (RunState.COMPLETED, Mode.DELTA)


@pytest.mark.parametrize("endless", ["same_link", "new_links", "cycle"])
async def test_a_round_that_does_not_end_is_ended_with_its_reason(rig, tenant, endless):
    await rig.connect()
    await rig.full()
    tenant.shape(endless=endless)
    tenant.hire(givenName="New")
    tenant.reset_counters()

    run = await rig.sync(Mode.FULL)

    assert run.state is RunState.FAILED
    assert run.error.code == "round_broken"
    assert requests(tenant) <= 200
    tenant.shape(endless="no")
    assert (await rig.delta()).mode is Mode.FULL
    assert await rig.linked() == rig.expected()


async def test_next_links_that_are_all_refused_cost_one_restart(rig, tenant):
    for n in range(5):
        tenant.hire(givenName=f"Ada {n}")
    tenant.shape(page_size=2)
    await rig.connect()
    tenant.fault("delta", link="next", status=400, code="syncStateNotFound", times=FOR_EVER)
    tenant.reset_counters()

    run = await rig.full()

    assert (run.state, run.error.code) == (RunState.FAILED, "round_broken")
    assert requests(tenant) <= 10
    tenant.clear_faults()
    await rig.delta()
    assert await rig.linked() == rig.expected()


@pytest.mark.parametrize("bad", [f"M{LONE_HIGH}x", f"M{INVALID_BYTE}x"])
async def test_text_that_cannot_be_decoded_stops_nobody_and_is_listed(rig, tenant, bad):
    await rig.connect()
    await rig.full()
    someone, other = tenant.hire(givenName=bad), tenant.hire(givenName="Fine")

    run = await rig.delta()

    linked = await rig.linked()
    assert (linked[someone]["firstName"], linked[other]["firstName"]) == ("M\ufffdx", "Fine")
    page = await rig.services.workspaces.journal_page(rig.workspace, run.id, 0)
    assert [one.name for one in page.changes if one.reason] == ["M\ufffdx"]


async def test_a_line_separator_is_written(rig, tenant):
    await rig.connect()
    someone = tenant.hire(givenName=f"A{LINE_SEPARATOR}B")

    await rig.full()

    assert (await rig.linked())[someone]["firstName"] == "A\u2028B"


async def test_a_byte_order_mark_is_passed_by(rig, tenant):
    tenant.shape(byte_order_mark=True)
    await rig.connect()
    await rig.full()
    tenant.expire("syncStateNotFound")

    run = await rig.delta()

    assert (run.state, run.restarted) == (RunState.COMPLETED, True)
    assert await rig.linked() == rig.expected()


async def test_object_ids_are_compared_without_case(rig, tenant):
    people = [tenant.hire(givenName=f"Ada {n}") for n in range(4)]
    await rig.connect()
    await rig.full()
    tenant.shape(capital_ids_percent=100)
    tenant.change(people[0], givenName="Changed")
    tenant.remove(people[1])

    run = await rig.delta()

    assert (run.counts.updated, run.counts.unlinked, run.counts.skipped) == (1, 1, 0)
    assert await rig.linked() == rig.expected()


async def test_a_next_link_that_is_no_address_ends_the_run_with_the_reason(rig, tenant):
    for n in range(5):
        tenant.hire(givenName=f"Ada {n}")
    tenant.shape(page_size=2)
    await rig.connect()
    tenant.fault("delta", "odd_link", message="https://[not an address")

    run = await rig.full()

    assert (run.state, run.error.code) == (RunState.FAILED, "foreign_link")


async def test_a_pause_longer_than_the_queue_can_delay_is_cut(rig, tenant):
    await rig.connect()
    tenant.fault("delta", status=429, retry_after="10000000")

    asked = await rig.ask(Mode.FULL)
    await rig.work()

    paused = await rig.run(asked.id)
    assert paused.state is RunState.RUNNING
    assert (paused.resume_at - rig.clock()).days in (5, 6)


async def test_everybody_who_shares_an_address_is_matched_whatever_the_page(rig, tenant):
    edits = EditStore(rig.services.tables, rig.services.contacts, rig.clock.sleep)
    await rig.connect()
    for _ in range(7):
        contact = created(own_contact_id(), {"email": "shared@x.example"}, rig.clock().isoformat())
        await edits.add(rig.partition, contact)
    for n in range(7):
        tenant.hire(givenName=f"Ada {n}", mail="Shared@x.example")
    tenant.shape(page_size=3)

    run = await rig.full()

    assert (run.counts.linked, run.counts.added) == (7, len(rig.expected()) - 7)


async def test_a_former_user_on_a_later_page_takes_the_contact_back(rig, tenant):
    """The page that names a new user with the same address comes first, and must not take the contact away."""
    former = tenant.hire(givenName="Ada", mail="ada@x.example")
    await rig.connect()
    await rig.full()
    tenant.remove(former)
    await rig.delta()
    tenant.shape(page_size=1)
    newcomer = tenant.hire(givenName="Bob", mail="ada@x.example")
    tenant.restore(former)

    await rig.delta()

    rows = {one.source_id: one for one in await rig.rows()}
    assert (rows[former].id, rows[former].link) == (former, Link.LINKED)
    assert rows[newcomer].id == newcomer


async def test_a_change_that_a_delta_missed_is_found_by_the_weekly_verification(rig, tenant):
    people = [tenant.hire(givenName=f"Ada {n}") for n in range(5)]
    await rig.connect()
    await rig.full()
    tenant.missed("change", people[0], {"givenName": "Missed"})
    tenant.change(people[1], givenName="Told")

    run = await rig.sync(Mode.DELTA, Trigger.VERIFICATION)

    assert (run.state, run.mode, run.drift) == (RunState.COMPLETED, Mode.FULL, 1)
    assert await rig.linked() == rig.expected()
    verified = (await rig.state()).verification
    assert (verified.people, verified.drift, verified.run) == (len(rig.expected()), 1, run.id)


async def test_a_verification_without_drift_says_so_and_removes_who_left(rig, tenant):
    people = [tenant.hire(givenName=f"Ada {n}") for n in range(5)]
    await rig.connect()
    await rig.full()
    tenant.remove(people[0])

    run = await rig.sync(Mode.DELTA, Trigger.VERIFICATION)

    assert (run.counts.unlinked, run.drift) == (1, 0)
    assert await rig.linked() == rig.expected()


@pytest.mark.servers
async def test_a_sign_in_code_is_told_in_plain_words_when_the_tries_are_used_up(rig, tenant):
    await rig.connect()
    tenant.fault("token", code="53003", times=FOR_EVER)
    asked = await rig.ask(Mode.FULL)

    with pytest.raises(Exception, match="53003"):
        await rig.work()
    message = f'{{"workspaceId":"{rig.workspace}","runId":"{asked.id}","step":0}}'
    await rig.services.dispatch.bury(message.encode())

    run = await rig.run(asked.id)
    assert run.state is RunState.FAILED
    assert "Conditional Access" in run.error.message
    assert "Conditional Access" in run.error.action
