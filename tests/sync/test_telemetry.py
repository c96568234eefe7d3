"""What a run tells: spans and metrics, through OpenTelemetry's own in-memory exporters."""

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sync.messages import Continue
from workspace.run import Mode, RunState

pytestmark = pytest.mark.servers

_spans, _reader = InMemorySpanExporter(), InMemoryMetricReader()


@pytest.fixture(scope="module", autouse=True)
def providers():
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(_spans))
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(MeterProvider([_reader]))


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=50, shape={"pageSize": 20})


def measured():
    """Sums, or for a histogram counts, by metric and attributes."""
    told = _reader.get_metrics_data()
    found = {}
    for resource in told.resource_metrics if told else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    value = point.value if hasattr(point, "value") else point.count
                    found[metric.name, *sorted(point.attributes.items())] = value
    return found


def grown(before):
    after = measured()
    return {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}


async def test_a_run_is_one_trace_over_all_its_slices(rig):
    await rig.connect()
    asked = await rig.ask(Mode.FULL)
    _spans.clear()

    slices = await rig.work(rig.with_worker(slice_seconds=0))

    ended = [one for one in _spans.get_finished_spans() if one.name in ("slice", "page", "plan", "write")]
    assert slices > 1
    assert len({one.context.trace_id for one in ended}) == 1
    names = [one.name for one in ended]
    assert names.count("slice") == slices
    assert names.count("page") == 3
    assert names.count("plan") == names.count("write") == 3
    outer = [one for one in ended if one.name == "slice"]
    assert {one.attributes["run"] for one in outer} == {asked.id}
    inner = {one.parent.span_id for one in ended if one.name == "page"}
    assert inner <= {one.context.span_id for one in outer}
    told = str([dict(one.attributes) for one in ended])
    assert "@" not in told  # Nobody's address, and nobody's name with it.


async def test_what_a_run_did_is_counted(rig, tenant):
    await rig.connect()
    tenant.fault("delta", status=429, retryAfter="2")
    before = measured()

    run = await rig.full()

    people = len(rig.expected())
    told = grown(before)
    assert told["emu.sync.runs", ("mode", "full"), ("outcome", "completed")] == 1
    assert told["emu.sync.people_read",] == 50
    assert told["emu.sync.contacts_written",] == people == run.counts.added
    assert told["emu.graph.requests",] == run.cost.graph_requests
    assert told["emu.graph.throttled_seconds",] == 2
    tenant.purge(*sorted(rig.expected())[:2])
    before = measured()
    await rig.delta()
    told = grown(before)
    assert told["emu.sync.contacts_removed",] == 2
    assert told["emu.sync.delta_link_age",] == 1


async def test_what_somebody_must_act_on_is_counted(rig, tenant):
    await rig.connect()
    big = tenant.hire(givenName="x" * 70_000)
    before = measured()
    await rig.full()
    tenant.purge(big)
    tenant.consent(given=True, credentialError="7000222")
    await rig.services.credentials.renew(tenant.id)
    asked = await rig.ask()
    await rig.services.dispatch.handle(Continue(rig.workspace, asked.id, 0))
    await rig.services.dispatch.bury(b"nonsense")
    await rig.services.worker.give_up(Continue(rig.workspace, asked.id, 0))

    told = grown(before)
    assert told["emu.sync.people_skipped",] == 1
    assert told["emu.credential.rejected",] == 1
    assert told["emu.queue.poisoned",] == 1
    assert told["emu.sync.runs", ("mode", "delta"), ("outcome", "failed")] == 1
    assert (await rig.run(asked.id)).state is RunState.FAILED


async def test_what_passes_by_itself_is_no_exception(rig, tenant):
    """Azure makes a row of AppExceptions of each that a span tells, and five of them are an alarm."""
    await rig.connect()
    await rig.full()
    _spans.clear()

    tenant.fault("delta", status=429, retryAfter="600")
    await rig.delta()

    ended = _spans.get_finished_spans()
    assert "page" in {one.name for one in ended}
    assert [(one.name, event.name) for one in ended for event in one.events] == []
    assert {one.status.status_code.name for one in ended} == {"UNSET"}
