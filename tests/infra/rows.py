"""What arrived at Azure Monitor as rows of Log Analytics, by table: what our queries ask.

Source of tables and columns: learn.microsoft.com/azure/azure-monitor/reference/tables (AppTraces, AppMetrics, …).
"""

from datetime import datetime
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]


def rows(envelopes: list[Row]) -> dict[str, list[Row]]:
    """The rows that Azure makes of envelopes, by table: the columns that our queries ask for, and those beside them.

    Source: learn.microsoft.com/azure/azure-monitor/reference/tables (AppTraces, AppMetrics, AppDependencies, …).
    """
    tables: dict[str, list[Row]] = {"AppTraces": [], "AppMetrics": [], "AppDependencies": [], "AppExceptions": []}
    for envelope in envelopes:
        data = envelope["data"]["baseData"]
        table, columns = _READERS[envelope["data"]["baseType"]](data)
        common = {
            "TimeGenerated": datetime.fromisoformat(envelope["time"]),
            "Properties": data.get("properties") or {},
            "OperationId": (envelope.get("tags") or {}).get("ai.operation.id", ""),
            "AppRoleName": (envelope.get("tags") or {}).get("ai.cloud.role", ""),
            "ItemCount": 1,
        }
        tables.setdefault(table, []).append(common | columns)
    return tables


def _trace(data: Row) -> tuple[str, Row]:
    return "AppTraces", {"Message": data["message"], "SeverityLevel": data.get("severityLevel")}


def _metric(data: Row) -> tuple[str, Row]:
    [point] = data["metrics"]
    columns = {"Name": point["name"], "Sum": point["value"], "Min": point.get("min"), "Max": point.get("max")}
    return "AppMetrics", columns | {"ItemCount": point.get("count") or 1}


def _dependency(data: Row) -> tuple[str, Row]:
    return "AppDependencies", {"Name": data["name"], "Success": data.get("success"), "Data": data.get("data")}


def _request(data: Row) -> tuple[str, Row]:
    return "AppRequests", {"Name": data["name"], "ResultCode": data["responseCode"], "Success": data["success"]}


def _exception(data: Row) -> tuple[str, Row]:
    first = data["exceptions"][0]
    return "AppExceptions", {"OuterMessage": first["message"], "OuterType": first["typeName"]}


_READERS = {
    "MessageData": _trace,
    "MetricData": _metric,
    "RemoteDependencyData": _dependency,
    "RequestData": _request,
    "ExceptionData": _exception,
}
