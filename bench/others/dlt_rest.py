"""(d): dlt's REST source and a destination function that writes to the table.

As dlthub.com/docs shows both: `rest_api_source` with a JSON-link paginator, `@dlt.destination` with batches.
"""

import os
import tempfile
import time
from typing import Any

import dlt
from azure.data.tables import TableClient
from azure.identity import ClientSecretCredential
from dlt.sources.rest_api import rest_api_source

from bench.others.common import (
    AUTHORITY,
    BATCH,
    CLIENT_ID,
    CLIENT_SECRET,
    GRAPH,
    SELECT,
    STORAGE,
    TABLE,
    TENANT,
    entity_of,
    is_member,
    tell,
)


def main() -> None:
    wall, cpu = time.monotonic(), time.process_time()
    credential = ClientSecretCredential(
        TENANT, CLIENT_ID, CLIENT_SECRET, authority=AUTHORITY, disable_instance_discovery=True
    )
    token = credential.get_token(f"{GRAPH}/.default").token
    table = TableClient.from_connection_string(STORAGE, TABLE)
    table.create_table()
    people = 0

    @dlt.destination(batch_size=BATCH, loader_file_format="typed-jsonl", naming_convention="direct")
    def contacts(items: list[dict[str, Any]], _: Any) -> None:
        nonlocal people
        people += len(items)
        kept = [one for one in items if is_member(one.get("accountEnabled"), one.get("userType"))]
        if kept:
            table.submit_transaction([("upsert", entity_of(one)) for one in kept])

    source = rest_api_source(
        {
            "client": {
                "base_url": f"{GRAPH}/v1.0/",
                "auth": {"type": "bearer", "token": token},
                "paginator": {"type": "json_link", "next_url_path": "['@odata.nextLink']"},
            },
            "resources": [
                {
                    "name": "users",
                    "endpoint": {
                        "path": "users/delta",
                        "params": {"$select": ",".join(SELECT)},
                        "data_selector": "value",
                    },
                }
            ],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DLT_DATA_DIR"] = folder
        pipeline = dlt.pipeline("others", destination=contacts, pipelines_dir=folder)
        pipeline.run(source)
    tell(people, time.monotonic() - wall, time.process_time() - cpu)


if __name__ == "__main__":
    main()
