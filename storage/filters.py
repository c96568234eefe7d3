"""Filters of table queries (pure). Every value that goes into a filter is quoted here and nowhere else."""


def within(partition_key: str, *, ge: str | None = None, le: str | None = None, lt: str | None = None) -> str:
    """The rows of one partition, or those whose row key lies in a range (by code units, as the service compares)."""
    ends = (("ge", ge), ("le", le), ("lt", lt))
    parts = [f"PartitionKey eq {_quoted(partition_key)}"]
    parts += [f"RowKey {operator} {_quoted(end)}" for operator, end in ends if end is not None]
    return " and ".join(parts)


def beginning(partition_key: str, prefix: str) -> str:
    """The rows of one partition whose row key begins with a prefix, for instance 'run:'."""
    return within(partition_key, ge=prefix, lt=_past(prefix))


def beyond(where: str, row_key: str) -> str:
    """Those rows of a filter that come after a row key; all of them after ''."""
    return f"{where} and RowKey gt {_quoted(row_key)}" if row_key else where


def after_key(partition_key: str, row_key: str) -> str:
    """The rows of one partition that come after a row key."""
    return f"PartitionKey eq {_quoted(partition_key)} and RowKey gt {_quoted(row_key)}"


def starts_with(column: str, prefix: str) -> str:
    """The rows whose column begins with a prefix; a row without the column does not."""
    return f"{column} ge {_quoted(prefix)} and {column} lt {_quoted(_past(prefix))}"


def equals(column: str, value: str) -> str:
    return f"{column} eq {_quoted(value)}"


def is_true(column: str) -> str:
    """The rows whose column of type boolean is true; a row without the column is not among them."""
    return f"{column} eq true"


def all_of(*filters: str) -> str:
    return " and ".join(filters)


def any_of(*filters: str) -> str:
    return "(" + " or ".join(f"({one})" for one in filters) + ")"


def _past(prefix: str) -> str:
    """What comes after every text that begins with a prefix: its last character raised by one."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _quoted(value: str) -> str:
    """A text literal of OData: a quote in it is doubled."""
    return "'" + value.replace("'", "''") + "'"
