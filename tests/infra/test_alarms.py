"""The alarms and the workbook against what the code tells."""

import json
import re

import pytest

from local.tools.infra import INFRA
from tests.infra.kept import only, resources

ROOT = INFRA.parent


def metrics_told():
    return set(re.findall(r'"(emu\.[a-z_.]+)"', (ROOT / "sync" / "telemetry.py").read_text()))


def alarms():
    return resources("ours", "Microsoft.Insights/scheduledQueryRules")


def queries():
    rules = [one["properties"]["criteria"]["allOf"][0]["query"] for one in alarms()]
    workbook = json.loads(only("ours", "Microsoft.Insights/workbooks")["properties"]["serializedData"])
    return [*rules, *(item["content"]["query"] for item in workbook["items"] if item["type"] == 3)]


@pytest.mark.parametrize("query", queries())
def test_every_query_asks_for_what_the_code_tells(query):
    names = set(re.findall(r"'(emu\.[a-z_.]+)'", query))
    events = set(re.findall(r"startswith '(\w+) '", query))
    code = "\n".join(path.read_text() for path in (ROOT / "sync").glob("*.py"))

    assert names or events
    assert names <= metrics_told()
    for event in events:
        assert f'"{event} workspace=%s' in code
    for outcome in re.findall(r"'(completed|awaiting_approval|failed)'", query):
        assert f'"{outcome}"' in (ROOT / "workspace" / "run.py").read_text()


def test_every_metric_is_documented():
    operations = (ROOT / "docs" / "operations.md").read_text()

    assert {name for name in metrics_told() if f"`{name}`" not in operations} == {"emu.chat.entra"}


def test_every_alarm_is_explained():
    operations = (ROOT / "docs" / "operations.md").read_text()

    for alarm in alarms():
        assert f"**{alarm['properties']['displayName']}.**" in operations
