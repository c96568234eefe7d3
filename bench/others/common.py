"""What the other ways share: where they read and write, the mapping, and how they tell what they took.

The mapping is the connector's default. Nothing else is done for them or against them.
"""

import asyncio
import json
import os
import resource
import time
from collections.abc import Callable, Coroutine
from typing import Any

TABLE = "Others"
PARTITION = "contacts"
SELECT = ["id", "givenName", "surname", "mail", "mobilePhone", "companyName", "accountEnabled", "userType"]
GRAPH = os.environ["GRAPH_ENDPOINT"]
AUTHORITY = os.environ["ENTRA_AUTHORITY"]
TENANT = os.environ["TENANT"]
CLIENT_ID, CLIENT_SECRET = os.environ["ENTRA_CLIENT_ID"], os.environ["ENTRA_CLIENT_SECRET"]
STORAGE = os.environ["STORAGE"]
BATCH = 100


def is_member(enabled: bool | None, user_type: str | None) -> bool:
    return enabled is not False and user_type != "Guest"


def entity(
    user_id: str, first: str | None, last: str | None, mail: str | None, mobile: str | None, company: str | None
) -> dict[str, str]:
    """A row of the table; empty fields are left out, as an upsert with `merge` or a new row needs them."""
    fields = {"firstName": first, "lastName": last, "email": mail, "mobilePhone": mobile, "company": company}
    return {
        "PartitionKey": PARTITION,
        "RowKey": user_id,
        **{name: value for name, value in fields.items() if value},
    }


def entity_of(user: dict[str, Any]) -> dict[str, str]:
    names = ("id", "givenName", "surname", "mail", "mobilePhone", "companyName")
    return entity(*(user.get(name) for name in names))  # type: ignore[arg-type]


def tell(people: int, seconds: float, cpu: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"people": people, "seconds": seconds, "cpu": cpu, "peak_mb": peak}))


def measured(work: Callable[[], Coroutine[Any, Any, int]]) -> None:
    """Run the work, and tell what it took: imports and clients' construction are free."""
    wall, cpu = time.monotonic(), time.process_time()
    people = asyncio.run(work())
    tell(people, time.monotonic() - wall, time.process_time() - cpu)
