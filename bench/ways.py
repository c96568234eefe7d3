"""The other ways, each in a process of its own, and what their contacts get wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from azure.data.tables import TableClient

from bench.measure import Figures
from bench.stage import Stage, tenant_settings
from local.microsoft.control import TenantControl

ROOT = Path(__file__).parent.parent
WAYS = {
    "(a) msgraph-sdk PageIterator, upsert_entity": ("bench.others.sdk", "single"),
    "(b) msgraph-sdk PageIterator, submit_transaction": ("bench.others.sdk", "batch"),
    "(c) httpx loop, submit_transaction": ("bench.others.plain_httpx",),
    "(d) dlt REST source, destination function": ("bench.others.dlt_rest",),
}
_FIELDS = {
    "givenName": "firstName",
    "surname": "lastName",
    "mail": "email",
    "mobilePhone": "mobilePhone",
    "companyName": "company",
}


def other_way(stage: Stage, tenant: TenantControl, module: str, *arguments: str) -> Figures:
    """Let another way do a first sync of a tenant, and look at its contacts."""
    settings = tenant_settings(stage, tenant)
    told = run_way(settings, module, *arguments)
    return Figures(told["people"], told["seconds"], told["cpu"], told["peak_mb"], wrong=mistakes(settings, tenant))


def run_way(settings: dict[str, str], module: str, *arguments: str) -> dict[str, Any]:
    environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
    )
    if done.returncode:
        raise RuntimeError(f"{module}: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def mistakes(settings: dict[str, str], tenant: TenantControl) -> str:
    """What differs from the directory, in a few words; '' when nothing does."""
    wanted = {
        user["id"]: {ours: user[theirs] for theirs, ours in _FIELDS.items() if user.get(theirs)}
        for user in tenant.users()
        if user["removed"] is None and user.get("accountEnabled", True) and user.get("userType") != "Guest"
    }
    with TableClient.from_connection_string(settings["STORAGE"], "Others") as table:
        there = {
            row["RowKey"]: {name: row[name] for name in _FIELDS.values() if row.get(name)}
            for row in table.list_entities()
        }
    missing, more = len(wanted.keys() - there.keys()), len(there.keys() - wanted.keys())
    differ = sum(there[one] != fields for one, fields in wanted.items() if one in there)
    told = {"missing": missing, "too many": more, "different": differ}
    return ", ".join(f"{count} {what}" for what, count in told.items() if count)
