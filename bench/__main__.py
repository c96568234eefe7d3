"""Measure the product and what people would use instead, in one run, and write docs/performance.md.

make bench            everything but the million
make bench-million    a first sync and a full run of a million people besides
"""

import argparse
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import report, scenarios, turns
from bench.measure import Figures, percentile
from bench.stage import Stage, stage
from bench.ways import WAYS, other_way

ROOT = Path(__file__).parent.parent
_COMPARED_PEOPLE = 2000
_LATENCY_MS = 150
_REPEATED = 10_000
"""The largest list whose first sync is measured several times."""

_AWKWARD = {
    "pages that are empty": {"pageSize": 50, "emptyPages": True},
    "people named twice": {"pageSize": 50, "duplicatesPercent": 5, "shuffle": True},
}


def main() -> int:
    arguments = _arguments()
    began = time.monotonic()
    found = report.Findings(machine=_machine(), repeats=arguments.repeats)
    with stage() as running:
        for number in range(1, arguments.repeats + 1):
            _compare(running, found, number)
        _honesty(running, found)
        for people in arguments.people:
            _scale(running, found, people)
        for number in range(arguments.repeats):
            _latency(running, found, number)
        found.idle = _told("1,000 idle workspaces", lambda: scenarios.idle_workspaces(running))
        found.idle_evenness = scenarios.evenness(running)
        for syncs in report.BESIDE:
            found.status[syncs] = scenarios.status_beside(running, syncs)
            took = percentile(found.status[syncs], 95)
            print(f"status beside {syncs} first syncs, 95th percentile {1000 * took:.0f} ms", flush=True)
        found.crowd = turns.crowd(running)
        found.full_runs_mb = turns.full_runs(running)
        found.ticked = turns.tick(running)
        print(f"{found.crowd}\n{found.ticked}\nfull runs: {found.full_runs_mb:.0f} MB", flush=True)
        found.telemetry_bytes = scenarios.telemetry(running)
    for name, statement in scenarios.IMPORTS.items():
        found.imports[name] = [scenarios.import_seconds(statement) for _ in range(arguments.repeats)]
    text = report.written(found, arguments.out)
    if arguments.million:
        print(f"Written to {arguments.out}/performance.md without the million, which follows.", flush=True)
        with stage() as running:
            _scale(running, found, report.MILLION, only_first=True)
        text = report.written(found, arguments.out)
    print(text)
    print(f"\nWritten to {arguments.out}/performance.md in {time.monotonic() - began:.0f} s.")
    missed = [name for name, _, _, met in report.goals(found) if not met]
    for name in missed:
        print(f"MISSED: {name}", file=sys.stderr)
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3, help="how often what is compared is measured (default: 3)")
    parser.add_argument("--people", type=int, nargs="*", default=[1000, 10_000, 100_000], help="sizes to measure")
    parser.add_argument("--million", action="store_true", help="a million people besides")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="where performance.md goes (default: docs)")
    return parser.parse_args()


def _told(name: str, work: Callable[[], Figures]) -> Figures:
    figures = work()
    print(
        f"{name:<60} {figures.seconds:8.2f} s {figures.per_second:8.0f}/s {figures.cpu_per_1000:8.4f} s CPU a 1,000"
        f" {figures.peak_mb:6.0f} MB",
        flush=True,
    )
    return figures


def _compare(running: Stage, found: report.Findings, number: int) -> None:
    """The same people, one way after the other; so a noisy minute hits all of them."""
    product = _told(
        f"first sync of {_COMPARED_PEOPLE}, {number}", lambda: scenarios.first(running, _COMPARED_PEOPLE)[1]
    )
    found.compared.setdefault(report.PRODUCT, []).append(product)
    for name, command in WAYS.items():
        tenant = running.directory.control.tenant(people=_COMPARED_PEOPLE)
        figures = _told(f"{name}, {number}", lambda c=command, t=tenant: other_way(running, t, *c))
        found.compared.setdefault(name, []).append(figures)


def _honesty(running: Stage, found: report.Findings) -> None:
    """What becomes of the contacts when Graph is as awkward as its documentation says it may be."""
    for name, command in WAYS.items():
        for trouble, shape in _AWKWARD.items():
            tenant = running.directory.control.tenant(people=500, shape=shape)
            try:
                wrong = other_way(running, tenant, *command).wrong
            except RuntimeError:
                wrong = "ends with an error"
            found.awkward[name, trouble] = wrong or "right"


def _scale(running: Stage, found: report.Findings, people: int, *, only_first: bool = False) -> None:
    def keep(what: str, work: Callable[[], Figures]) -> None:
        found.scaled[people, what] = _told(f"{what}, {people:,} people", work)

    tries = [scenarios.first(running, people) for _ in range(found.repeats if people <= _REPEATED else 1)]
    office, _ = tries[-1]
    keep(report.FIRST, lambda: sorted((figures for _, figures in tries), key=lambda one: one.cpu)[len(tries) // 2])
    found.stored[people] = scenarios.stored_bytes(running, office)
    found.nights[people] = scenarios.export(running, office, days=len(found.nights))
    if only_first:
        return
    keep(report.FULL, lambda: scenarios.run_again(running, office, "full"))
    found.listed[people] = turns.listed(office)
    for changed, what in ((0, "delta, nothing changed"), (10, "delta, 10 changed")):
        keep(what, lambda c=changed: scenarios.delta_of(running, office, c))
    keep("delta, 1 % changed", lambda: scenarios.delta_of(running, office, people // 100))
    keep("delta, 20 % changed", lambda: scenarios.delta_of(running, office, people // 5))
    if people <= scenarios.MOST_EDITED:
        keep("delta over 5 % edits, keep_local", lambda: scenarios.edits(running, office, 5))


def _latency(running: Stage, found: report.Findings, number: int) -> None:
    people = 10_000
    office, figures = scenarios.first(running, people, latencyMs=_LATENCY_MS)
    _told(f"first sync of {people}, {_LATENCY_MS} ms a page, {number + 1}", lambda: figures)
    found.latency.append((figures.seconds, scenarios.bare_chain(running, office)))


def _machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    cores = sum(line.startswith("processor") for line in Path("/proc/cpuinfo").read_text().splitlines())
    return f"{model}, {cores} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
