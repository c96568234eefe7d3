"""Filters of table queries (pure). Every value that goes into a filter is quoted here and nowhere else."""


def within(partition_key: str, *, ge: str | None = None, le: str | None = None, lt: str | None = None) -> str:
    """The rows of one partition, or those whose row key lies in a range (by code units, as the service compares)."""
    ends = (("ge", ge), ("le", le), ("lt", lt))
    parts = [f"PartitionKey eq {_quoted(partition_key)}"]
    parts += [f"RowKey {operator} {_quoted(end)}" for operator, end in ends if end is not None]
    return " and ".join(parts)


def beginning(partition_key: str, prefix: str) -> str:
    """The rows of one partition whose row key begins with a prefix, for instance 'run:'."""
    # The range ends before the prefix with its last character raised by one: 'run:' ends before 'run;'.
    return within(partition_key, ge=prefix, lt=prefix[:-1] + chr(ord(prefix[-1]) + 1))


def beyond(where: str, row_key: str) -> str:
    """Those rows of a filter that come after a row key; all of them after ''."""
    return f"{where} and RowKey gt {_quoted(row_key)}" if row_key else where


def _quoted(value: str) -> str:
    """A text literal of OData: a quote in it is doubled."""
    return "'" + value.replace("'", "''") + "'"
