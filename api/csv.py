"""Tables for spreadsheets: CSV (RFC 4180), UTF-8 with a byte order mark. No cell can be a formula."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus

import azure.functions as func

from api.answers import SECURITY_HEADERS

MOST_ROWS = 20_000
"""Rows an answer: some 4 MB. Functions' Python worker holds an answer whole, so a longer table comes in parts."""

_BYTE_ORDER_MARK = "\ufeff"
# A spreadsheet takes a cell that begins so for a formula, whatever quotes stand around it (OWASP, CSV injection).
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Csv(func.HttpResponse):
    """A part of a table: the first has the mark and the heads. `Continuation` brings the next part, where there is one.

    The parts, one after the other, are the whole file.
    """

    status = HTTPStatus.OK

    def __init__(
        self, name: str, heads: Sequence[str], rows: Iterable[Sequence[str | None]], asked: str = "", after: str = ""
    ) -> None:
        """`asked`: the continuation that was asked for, '' for the first part. `after`: where the next part begins."""
        first = "" if asked else _BYTE_ORDER_MARK + line(heads)
        body = first + "".join([line(row) for row in rows])
        told = {"Continuation": after} if after else {}
        super().__init__(
            body.encode(),
            status_code=self.status,
            mimetype="text/csv",
            charset="utf-8",
            headers=SECURITY_HEADERS
            | {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}.csv"'}
            | told,
        )


def line(cells: Sequence[str | None]) -> str:
    """A line of cells; None is an empty one."""
    return ",".join([_cell(one or "") for one in cells]) + "\r\n"


def _cell(text: str) -> str:
    # Spreadsheets may pass by blanks at the beginning.
    if text.lstrip(" \u00a0").startswith(_BEGINS_A_FORMULA):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"'
