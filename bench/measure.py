"""What a process used, by the kernel's account; and figures over repeated runs."""

import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def io_bytes(pid: int) -> tuple[int, int]:
    """What a process read and wrote so far, sockets included: Node reads those like files."""
    lines = dict(line.split(": ") for line in (_PROC / str(pid) / "io").read_text().splitlines())
    return int(lines["rchar"]), int(lines["wchar"])


def forget_peak(pid: int) -> None:
    """Let the peak memory begin anew."""
    (_PROC / str(pid) / "clear_refs").write_text("5")


def peak_mb(pid: int) -> float:
    """The largest resident memory since the start, or since `forget_peak`."""
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")


@dataclass(frozen=True, slots=True)
class Figures:
    """One measured run. Counts are None where another way does not tell them; `wrong`: what its contacts get wrong.

    `cpu` is the process's own, in seconds. Of Azurite meanwhile: its CPU, and the bytes that it took and gave.
    """

    people: int
    seconds: float
    cpu: float
    peak_mb: float
    graph_requests: int | None = None
    table_reads: int | None = None
    table_writes: int | None = None
    storage_cpu: float | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    wrong: str = ""

    @property
    def per_second(self) -> float:
        return self.people / self.seconds

    @property
    def cpu_per_1000(self) -> float:
        return 1000 * self.cpu / self.people


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """The smallest and the largest, as people write numbers: three digits that count, or all of a whole number."""
    return f"{written(min(values))} to {written(max(values))}"


def written(value: float) -> str:
    """A number as people write it: `5,540`, `42.0`, `0.0490`; never `5.54e+03`."""
    rounded = float(f"{value:.3g}")
    digits = max(0, 2 - math.floor(math.log10(abs(rounded)))) if rounded else 0
    return f"{rounded:,.{digits}f}"


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
