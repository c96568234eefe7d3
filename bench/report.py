"""What was found, as text and pictures."""

import textwrap
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import prices
from bench.measure import Figures, median, percentile, spread
from bench.plots import bars
from bench.scenarios import Night
from bench.turns import FULL_RUNS, LISTED, SYNCS, Crowd, Ticked

PRODUCT = "this connector"
MILLION = 1_000_000
BESIDE = (0, 1, 4)
"""First syncs beside which a status call is measured."""
FIRST, FULL = "first sync", "full run, nothing changed"


@dataclass(slots=True)
class Findings:
    """Everything that one run of the bench measured."""

    machine: str
    repeats: int
    compared: dict[str, list[Figures]] = field(default_factory=dict)
    awkward: dict[tuple[str, str], str] = field(default_factory=dict)
    scaled: dict[tuple[int, str], Figures] = field(default_factory=dict)
    stored: dict[int, int] = field(default_factory=dict)
    nights: dict[int, Night] = field(default_factory=dict)
    """A night's export of a workspace, by its people."""
    latency: list[tuple[float, float]] = field(default_factory=list)
    idle: Figures | None = None
    status: dict[int, list[float]] = field(default_factory=dict)
    """Seconds of each status call, by the number of first syncs beside it."""
    idle_evenness: float = 0.0
    """Of the idle workspaces' runs: the largest number of starts in any second, over the mean."""
    crowd: Crowd | None = None
    full_runs_mb: float = 0.0
    ticked: Ticked | None = None
    listed: dict[int, dict[str, float]] = field(default_factory=dict)
    """Milliseconds of calls for a list, by its size."""
    telemetry_bytes: float = 0.0
    """What an idle run sends to Azure Monitor."""
    imports: dict[str, list[float]] = field(default_factory=dict)

    def ratio(self, way: str, figure: str) -> float:
        """How many times the product's figure is another way's, pair by pair, the median."""
        pairs = zip(self.compared[PRODUCT], self.compared[way], strict=True)
        return median([getattr(ours, figure) / getattr(theirs, figure) for ours, theirs in pairs])


def goals(found: Findings) -> list[tuple[str, str, str, bool]]:
    """What was promised, the limit, what was measured, and whether it holds."""
    a, _, c, _ = (name for name in found.compared if name != PRODUCT)
    latency = median([ours / chain for ours, chain in found.latency])
    sizes = sorted({people for people, _ in found.scaled if people >= 10_000})
    per_person = [found.scaled[people, FIRST].seconds / people for people in sizes]
    ten = found.scaled[10_000, FIRST]
    growth = max(per_person) / per_person[0]
    # A page's writes wait for Azurite, which is one thread: what it does not take of the time is ours.
    own = [(one := found.scaled[people, FIRST]).seconds - (one.storage_cpu or 0) for people in sizes]
    own_growth = max(took / people for took, people in zip(own, sizes, strict=True)) / (own[0] / sizes[0])
    cpu_growth = max(found.scaled[people, FIRST].cpu_per_1000 for people in sizes) / ten.cpu_per_1000
    peak = max(one.peak_mb for one in found.scaled.values())
    nothing = found.scaled[10_000, "delta, nothing changed"]
    full = found.scaled[10_000, FULL]
    assert found.idle is not None
    app, sdks = (median(found.imports[name]) for name in ("the app", "the SDKs it stands on"))
    a_cpu = median([one.cpu_per_1000 for one in found.compared[a]])
    status = percentile(found.status[BESIDE[-1]], 95)
    idle_cpu = 1000 * found.idle.cpu / found.idle.people
    rows = [
        ("first sync with 150 ms a page, against the bare chain", "≤ 1.05 ×", f"{latency:.3f} ×", latency <= 1.05),
        ("first sync without latency", "≥ 4,000 a second", f"{ten.per_second:,.0f}", ten.per_second >= 4000),
        ("the same against (a)", "≥ 20 ×", f"{found.ratio(a, 'per_second'):.1f} ×", found.ratio(a, "per_second") >= 20),
        ("the same against (c)", "≥ 3 ×", f"{found.ratio(c, 'per_second'):.1f} ×", found.ratio(c, "per_second") >= 3),
        ("CPU per 1,000 people, first sync", "≤ 0.08 s", f"{ten.cpu_per_1000:.4f} s", ten.cpu_per_1000 <= 0.08),
        ("the same against (a)", "≤ 1/80", f"1/{a_cpu / ten.cpu_per_1000:.0f}", a_cpu / ten.cpu_per_1000 >= 80),
        ("CPU per 1,000 people, full run", "≤ 0.04 s", f"{full.cpu_per_1000:.4f} s", full.cpu_per_1000 <= 0.04),
        (
            "delta, nothing changed",
            "1 request, ≤ 6 transactions",
            f"{nothing.graph_requests}, {(nothing.table_reads or 0) + (nothing.table_writes or 0)}",
            nothing.graph_requests == 1 and (nothing.table_reads or 0) + (nothing.table_writes or 0) <= 6,
        ),
        ("CPU of a delta, nothing changed", "≤ 30 ms", f"{idle_cpu:.1f} ms", idle_cpu <= 30),
        (
            f"time a person from 10,000 to {sizes[-1]:,} people (see By size)",
            "≤ 1.3 ×",
            f"{growth:.2f} ×",
            growth <= 1.3,
        ),
        ("the same without Azurite's own CPU", "≤ 1.3 ×", f"{own_growth:.2f} ×", own_growth <= 1.3),
        ("CPU a person of the worker, likewise", "≤ 1.3 ×", f"{cpu_growth:.2f} ×", cpu_growth <= 1.3),
        ("memory of the worker", "≤ 250 MB", f"{peak:.0f} MB", peak <= 250),
        ("import of function_app, against the SDKs' import", "≤ 1.3 ×", f"{app / sdks:.2f} ×", app / sdks <= 1.3),
        ("1,000 idle workspaces, one worker", "≤ 60 s", f"{found.idle.seconds:.0f} s", found.idle.seconds <= 60),
        (
            f"status beside {BESIDE[-1]} first syncs of 20,000, 95th percentile",
            "≤ 300 ms",
            f"{1000 * status:.0f} ms",
            status <= 0.3,
        ),
        *_turns(found),
    ]
    return rows


def _turns(found: Findings) -> list[tuple[str, str, str, bool]]:
    """What was promised to many workspaces on one instance."""
    crowd, ticked = found.crowd, found.ticked
    assert crowd is not None
    assert ticked is not None
    together, longest = crowd.together / crowd.chain, max(ticked.parts)
    peak = max(crowd.peak_mb, found.full_runs_mb)
    # A page of rows each, the empty list of the day's pruning, and the row that says which day was pruned.
    reads = ticked.reads - 2
    return [
        (f"Sync Now of 50 people beside {SYNCS} first syncs, p95", "≤ 2 s", f"{crowd.p95:.2f} s", crowd.p95 <= 2),
        (
            "the first syncs together, against the longest bare chain",
            "≤ 1.5 ×",
            f"{together:.2f} ×",
            together <= 1.5,
        ),
        (
            f"memory meanwhile, and beside {FULL_RUNS} full runs over {LISTED:,} people each",
            "≤ 512 MB",
            f"{peak:.0f} MB",
            peak <= 512,
        ),
        (
            "hourly runs of 1,000 workspaces: starts in the fullest second, over the mean",
            "≤ 2 ×",
            f"{found.idle_evenness:.2f} ×",
            found.idle_evenness <= 2,
        ),
        (
            f"a tick over {ticked.workspaces:,} workspaces: reads of 1,000 rows; its longest part",
            f"{ticked.workspaces // 1000}; ≤ 60 s",
            f"{reads}; {longest:.0f} s",
            reads == ticked.workspaces // 1000 and longest <= 60,
        ),
    ]


def written(found: Findings, folder: Path) -> str:
    """Write performance.md and its pictures; the text."""
    pictures = folder / "performance"
    pictures.mkdir(parents=True, exist_ok=True)
    names = list(found.compared)
    speeds = [median([one.per_second for one in found.compared[name]]) for name in names]
    costs = [median([one.cpu_per_1000 for one in found.compared[name]]) for name in names]
    (pictures / "speed.svg").write_text(bars("First sync, people a second", names, speeds, "{:,.0f}"))
    (pictures / "cpu.svg").write_text(bars("First sync, CPU seconds per 1,000 people", names, costs, "{:.3f}"))
    text = (
        "\n\n".join((_head(found), _goals(found), _compared(found), _scaled(found), _costs(found), _rest(found))) + "\n"
    )
    (folder / "performance.md").write_text(text)
    return text


def _head(found: Findings) -> str:
    command = "make bench-million" if any(people >= MILLION for people, _ in found.scaled) else "make bench"
    return textwrap.dedent(f"""\
        # Performance

        Written by `{command}` on {datetime.now(UTC):%Y-%m-%d}, on {found.machine}.

        Real Azurite, the local directory in a process of its own, the product as its host runs it. Azurite and the
        directory share the machine's cores with what is measured, so ratios say more than seconds. CPU and memory
        are the worker's, which runs the app. Where several runs were made ({found.repeats}), the median is shown.""")


def _goals(found: Findings) -> str:
    rows = [
        f"| {name} | {limit} | {value} | {'yes' if met else '**no**'} |" for name, limit, value, met in goals(found)
    ]
    return "## What was promised\n\n| figure | limit | measured | holds |\n| --- | --- | --- | --- |\n" + "\n".join(
        rows
    )


def _compared(found: Findings) -> str:
    rows = []
    for name, figures in found.compared.items():
        speed, cpu = [one.per_second for one in figures], [one.cpu_per_1000 for one in figures]
        trouble = "; ".join(f"{what}: {told}" for (way, what), told in found.awkward.items() if way == name)
        rows.append(
            f"| {name} | {median(speed):,.0f} | {spread(speed)} | {median(cpu):.3f} | {spread(cpu)}"
            f" | {max(one.peak_mb for one in figures):.0f} | {trouble or 'right, by its own tests'} |"
        )
    head = "| way | people a second | spread | CPU s per 1,000 | spread | peak MB | with awkward pages |"
    return (
        f"## Against what people would use instead\n\nA first sync of {found.compared[PRODUCT][0].people:,} people:"
        " same Azurite, same mapping, contacts compared with the directory afterwards (`bench/others/`). Pages that are"
        " empty, and people named twice in a round, are documented behaviour of users/delta.\n\n"
        "![people a second](performance/speed.svg)\n![CPU](performance/cpu.svg)\n\n"
        + head
        + "\n| --- | ---: | ---: | ---: | ---: | ---: | --- |\n"
        + "\n".join(rows)
    )


def _scaled(found: Findings) -> str:
    rows = [
        f"| {what} | {people:,} | {one.seconds:.2f} | {one.cpu:.2f} | {_pace(one)} | {one.peak_mb:.0f}"
        f" | {one.graph_requests:,} | {one.table_reads:,} | {one.table_writes:,}"
        f" | {(one.bytes_in or 0) / 1e6:.2f} | {(one.bytes_out or 0) / 1e6:.2f} | {one.storage_cpu:.2f} |"
        for (people, what), one in found.scaled.items()
    ]
    head = (
        "| run | list | seconds | CPU s | people a second | CPU s per 1,000 | peak MB | Graph requests | table reads"
        " | table writes | MB to storage | MB from it | Azurite CPU s |"
    )
    lines = "\n| --- |" + " ---: |" * 12 + "\n"
    largest, ten = max(people for people, _ in found.scaled), found.scaled[10_000, FIRST]
    there, here = found.scaled[largest, FIRST].storage_cpu or 0, ten.storage_cpu or 0
    return (
        f"## By size\n\n{head}{lines}"
        + "\n".join(rows)
        + "\n\nAzurite keeps a table's index in sorted arrays, in which every insert moves what follows, and sorts a"
        " list again for each page that is read of it. A first sync's contact takes it"
        f" {1e6 * here / ten.people:.0f} µs of CPU among 10,000 and {1e6 * there / largest:.0f} µs among {largest:,}."
    )


def _beside(found: Findings) -> str:
    told = (f"{1000 * percentile(took, 95):.0f} ms beside {syncs or 'none'}" for syncs, took in found.status.items())
    return ", ".join(told)


_FEW = 100


def _pace(one: Figures) -> str:
    """People a second and CPU a 1,000, of those whom Graph named; of a few it would say nothing."""
    return " | " if one.people < _FEW else f"{one.per_second:,.0f} | {one.cpu_per_1000:.3f}"


def _costs(found: Findings) -> str:
    """A month of a workspace: a delta with 10 changes an hour, what is stored, and what is exported each night."""
    rows = []
    for people, size in found.stored.items():
        delta = found.scaled.get((people, "delta, 10 changed"))
        if delta is None:
            continue
        run = prices.run_cost(delta.seconds, (delta.table_reads or 0) + (delta.table_writes or 0))
        stored, night = size / 1e9 * prices.STORED_GB_MONTH, found.nights[people]
        exports = prices.exports_month(night.transactions, night.blobs, night.stored)
        rows.append(
            f"| {people:,} | {size / 1e6:.1f} | {run * prices.HOURS_A_MONTH:.4f} | {stored:.5f}"
            f" | {night.transactions:,} | {night.blobs:,} | {night.stored / 1e3:,.1f} | {exports:.5f} |"
        )
    return (
        f"## What it costs on Azure\n\nList prices of {prices.DATED} in US dollars (`bench/prices.py`), a workspace"
        " a month: 730 hourly deltas with ten changes each, and what is stored of contacts. Shared"
        " instances cost less. The export of each night leaves out what Full Resync brings back; its blobs are kept"
        f" {prices.EXPORT_DAYS} days.\n\n"
        "| people | stored MB | runs $ | storage $ | a night's transactions | its blobs | kB | exports $ |\n"
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n" + "\n".join(rows) + _fleet(found)
    )


def _fleet(found: Findings) -> str:
    assert found.idle is not None
    nothing = found.scaled[10_000, "delta, nothing changed"]
    transactions = (nothing.table_reads or 0) + (nothing.table_writes or 0)
    rows = [
        f"| {count:,} | {prices.idle_month(count, found.idle.seconds / found.idle.people, transactions):,.2f}"
        f" | {prices.logs_month(count, found.telemetry_bytes):,.2f} |"
        for count in (10, 1000, 100_000)
    ]
    return (
        "\n\nHourly runs of workspaces in which little happens, all on shared instances, by the pace of the 1,000 idle"
        f" workspaces below. Telemetry: {found.telemetry_bytes:,.0f} bytes a run, as Microsoft's exporter sends them;"
        " the host's own rows come on top, as do alarms and the availability test (some dollars a month) and"
        " performance counters of each instance (5 kB a minute). Free grants are not counted:\n\n"
        "| workspaces | compute and storage $ a month | telemetry $ a month |\n| ---: | ---: | ---: |\n"
        + "\n".join(rows)
    )


def _rest(found: Findings) -> str:
    latency = [f"{ours:.2f} s against {chain:.2f} s" for ours, chain in found.latency]
    imports = [f"| {name} | {median(took):.2f} | {spread(took)} |" for name, took in found.imports.items()]
    assert found.idle is not None
    return (
        f"## The rest\n\nFirst sync of 10,000 with 150 ms a page, against the bare chain of page requests:"
        f" {'; '.join(latency)}.\n\n{found.idle.people:,} idle workspaces from the tick to the last:"
        f" {found.idle.seconds:.1f} s, {found.idle.cpu:.1f} s CPU. The timer spreads them, so as not to ask Graph for"
        " all at once.\n\nA status call, 95th percentile, on the worker that does first syncs of 20,000:"
        f" {_beside(found)}."
        "\n\nCold start, CPU seconds of an import in a fresh interpreter:\n\n"
        "| import | seconds | spread |\n| --- | ---: | ---: |\n" + "\n".join(imports) + _lists(found)
    )


def _lists(found: Findings) -> str:
    rows = [
        f"| {people:,} | {what} | {took:.0f} |" for people, told in found.listed.items() for what, took in told.items()
    ]
    return (
        "\n\nCalls for a list by name, each one query of the table:\n\n"
        "| list | call | ms |\n| ---: | --- | ---: |\n" + "\n".join(rows)
    )
