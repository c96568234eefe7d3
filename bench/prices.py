"""What Azure asks for, and what a run therefore costs. List prices in US dollars, West Europe, pay as you go.

Source: azure.microsoft.com/pricing for Storage tables, queues and blobs (ZRS, as infra/ makes them), Functions Flex
Consumption and Log Analytics, as known on the date below; they are there to be replaced by yours.
"""

DATED = "2026-11"
TABLE_TRANSACTIONS_PER_10_000 = 0.00036
QUEUE_OPERATIONS_PER_10_000 = 0.0004
STORED_GB_MONTH = 0.0563
BLOB_WRITES_PER_10_000 = 0.0675
BLOB_GB_MONTH = 0.023
"""Block blobs, hot, ZRS: what the daily exports are kept in."""
EXPORT_DAYS = 30
"""The default of infra/main.bicep."""
LOGS_GB = 2.30
LOGS_BILLED = 0.75
"""Of an event's bytes as they are sent, by learn.microsoft.com/azure/azure-monitor/logs/cost-logs, on average."""
FUNCTION_GB_SECOND = 0.000026
FUNCTION_EXECUTIONS_PER_MILLION = 0.40
INSTANCE_GB = 2.0
"""The default of infra/main.bicep."""

HOURS_A_MONTH = 730


def idle_month(workspaces: int, seconds_a_run: float, transactions_a_run: float) -> float:
    """A month in which nothing happens: an hourly run each. An instance is paid by the second, one at least."""
    active = max(1.0, workspaces * seconds_a_run) * HOURS_A_MONTH
    runs = workspaces * HOURS_A_MONTH
    return (
        active * INSTANCE_GB * FUNCTION_GB_SECOND
        + (runs + HOURS_A_MONTH) * FUNCTION_EXECUTIONS_PER_MILLION / 1e6
        + runs * transactions_a_run * TABLE_TRANSACTIONS_PER_10_000 / 10_000
        + runs * 4 * QUEUE_OPERATIONS_PER_10_000 / 10_000
    )


def exports_month(table_transactions: int, blobs: int, stored: int) -> float:
    """A month's exports of one workspace, by what a night took, and the days of them that are kept."""
    nights = HOURS_A_MONTH / 24
    return (
        nights * table_transactions * TABLE_TRANSACTIONS_PER_10_000 / 10_000
        + nights * blobs * BLOB_WRITES_PER_10_000 / 10_000
        + EXPORT_DAYS * stored / 1e9 * BLOB_GB_MONTH
    )


def logs_month(workspaces: int, bytes_a_run: float) -> float:
    """What telemetry of a month's hourly runs costs, the free gigabytes not counted."""
    return workspaces * HOURS_A_MONTH * bytes_a_run * LOGS_BILLED / 1e9 * LOGS_GB


def run_cost(seconds: float, table_transactions: int, messages: int = 1) -> float:
    """What one run costs: its share of an instance, its transactions, its messages. Shared instances cost less."""
    compute = seconds * INSTANCE_GB * FUNCTION_GB_SECOND + messages * FUNCTION_EXECUTIONS_PER_MILLION / 1e6
    return (
        compute
        + table_transactions * TABLE_TRANSACTIONS_PER_10_000 / 10_000
        + 4 * messages * QUEUE_OPERATIONS_PER_10_000 / 10_000
    )
