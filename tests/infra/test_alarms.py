"""The alarms are run, not read: over rows that the app sent, in a KQL engine; and Microsoft's parser reads them."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from local.tools.infra import INFRA
from tests.infra.kept import WAYS, module, only, resources
from tests.infra.rows import rows
from tests.infra.workspace import COLUMNS, asked, at, parsed, rings, together, window, without

ROOT = INFRA.parent
NOW = datetime(2026, 11, 25, 12, 5, tzinfo=UTC)
ALARMS = {
    one["properties"]["displayName"]: one for one in resources("alarmed", "Microsoft.Insights/scheduledQueryRules")
}
QUERIES = {title: one["properties"]["criteria"]["allOf"][0]["query"] for title, one in ALARMS.items()}
WORKBOOK = json.loads(only("ours", "Microsoft.Insights/workbooks")["properties"]["serializedData"])["items"]
CHARTS = {one["content"]["title"]: one["content"]["query"] for one in WORKBOOK if one["type"] == 3}

SILENT = "The timer did not tick for two hours"
NO_RUN = "No run completed for two hours"
NO_EXPORT = "No day's export held every workspace for two days"
POISON = "A message failed every time"
WAITING = "Events wait to be told"
REJECTED = "Microsoft or Azure rejects the app's own credential"
FAILED = "A workspace's runs failed three times"
FAILING = "Requests or functions fail for reasons of ours"
CAPPED = "The day's telemetry reached its cap"


def ringing(tables, now=NOW):
    return {title for title, alarm in ALARMS.items() if rings(alarm, tables, now)}


@pytest.fixture(scope="session")
def hours(ordinary):
    """Ordinary hours up to a number of hours ago; the last one's rows are five minutes old."""
    told = rows(ordinary.envelopes)

    def until(hours_ago):
        past = (NOW - timedelta(hours=ago, minutes=5) for ago in range(hours_ago, 8))
        return together(*(at(told, when) for when in past))

    return until


def test_there_is_an_alarm_for_each_case_below():
    assert set(ALARMS) == {SILENT, NO_RUN, NO_EXPORT, POISON, WAITING, REJECTED, FAILED, FAILING, CAPPED}


def test_ordinary_hours_are_quiet(hours):
    assert ringing(hours(0)) == set()


def test_an_installation_without_customers_is_quiet(hours):
    """The timer visits nobody, and nothing runs."""
    ticks = [row for row in hours(0)["AppMetrics"] if row["Name"] == "emu.schedule.workspaces"]

    assert ringing({"AppMetrics": [row | {"Max": 0.0, "Sum": 0.0} for row in ticks]}) == set()


def test_a_dead_app_rings_though_no_row_is_left(hours):
    assert ringing(hours(2)) == {SILENT}
    assert ringing({}) == {SILENT}


def test_one_missed_hour_is_not_death(hours):
    assert ringing(hours(1)) == set()


def test_a_dead_timer_rings_though_people_still_sync(hours):
    assert ringing(without(hours(0), "AppMetrics", Name="emu.schedule.workspaces")) == {SILENT}


def test_a_dead_worker_rings(hours):
    assert ringing(without(hours(0), "AppMetrics", Name="emu.sync.runs")) == {NO_RUN}


def test_runs_that_only_fail_are_not_completed(hours):
    failing = hours(0)
    for row in failing["AppMetrics"]:
        if row["Name"] == "emu.sync.runs":
            row["Properties"] = {"outcome": "failed", "mode": "delta"}

    assert ringing(failing) == {NO_RUN}


def two_days(hours, exports):
    """The timer's ticks of two days, and exports that ended."""
    tick = next(row for row in hours(0)["AppMetrics"] if row["Name"] == "emu.schedule.workspaces")
    ticks = [tick | {"TimeGenerated": NOW - timedelta(hours=ago, minutes=5)} for ago in range(47)]
    told = [
        tick
        | {"Name": "emu.export.workspaces", "Properties": {"whole": whole}, "TimeGenerated": NOW - timedelta(days=1)}
        for whole in exports
    ]
    return together(hours(0), {"AppMetrics": [*ticks, *told]})


def test_exports_that_do_not_end_or_leave_a_workspace_out_ring(hours):
    assert ringing(two_days(hours, exports=[])) == {NO_EXPORT}
    assert ringing(two_days(hours, exports=["False"])) == {NO_EXPORT}
    assert ringing(two_days(hours, exports=["False", "True"])) == set()


def test_a_message_in_the_poison_queue_rings(hours, poisoned):
    assert POISON in ringing(together(hours(0), at(rows(poisoned.envelopes), NOW)))


def test_an_outbox_that_does_not_empty_rings_and_one_that_was_emptied_late_does_not(hours):
    def counted(name):
        return {"AppMetrics": [{"TimeGenerated": NOW, "Name": name, "Sum": 1.0, "ItemCount": 1, "Properties": {}}]}

    assert ringing(together(hours(0), counted("emu.events.wait"))) == {WAITING}
    assert ringing(together(hours(0), counted("emu.events.sent_late"))) == set()


def test_a_rejected_credential_rings(hours, rejected):
    assert REJECTED in ringing(together(hours(0), at(rows(rejected.envelopes), NOW)))


def test_a_workspace_that_fails_three_times_rings_and_twice_does_not(hours, failed):
    told = rows(failed.envelopes)
    lines = [row for row in told["AppTraces"] if row["Message"].startswith("run_failed ")]

    assert len(lines) == 3
    assert FAILED in ringing(together(hours(0), at(told, NOW)))
    assert FAILED not in ringing(together(hours(0), {"AppTraces": [row | {"TimeGenerated": NOW} for row in lines[:2]]}))


def test_three_workspaces_that_fail_once_each_do_not_ring(hours):
    lines = [
        {"TimeGenerated": NOW, "Message": f"run_failed workspace=w-{one} run=r reason=x"} for one in ("a", "b", "c")
    ]

    assert ringing(together(hours(0), {"AppTraces": lines})) == set()


def test_functions_that_raise_ring(hours, raised):
    told = rows(raised.envelopes)

    assert len(told["AppExceptions"]) >= 5
    assert FAILING in ringing(together(hours(0), at(told, NOW)))


@pytest.mark.parametrize(
    ("table", "row", "rung"),
    [
        ("AppRequests", {"Name": "show_status", "ResultCode": "500", "Success": False}, {FAILING}),
        ("AppRequests", {"Name": "show_status", "ResultCode": "503", "Success": False}, {FAILING}),
        ("AppRequests", {"Name": "show_status", "ResultCode": "404", "Success": False}, set()),
        ("AppTraces", {"Message": "request_failed function=show_status error=KeyError"}, {FAILING}),
        ("AppTraces", {"Message": "request_refused function=show_status code=x reason=y"}, set()),
    ],
)
def test_five_answers_of_5xx_ring_and_four_do_not(hours, table, row, rung):
    # The app's own rows are older than this rule's window, so that the rows of this test alone are counted.
    assert ringing(together(hours(1), {table: [row | {"TimeGenerated": NOW}] * 5})) == rung
    assert not rings(ALARMS[FAILING], together(hours(1), {table: [row | {"TimeGenerated": NOW}] * 4}), NOW)


def test_a_cap_that_is_reached_rings(hours):
    """The text is Microsoft's (learn.microsoft.com/azure/azure-monitor/logs/daily-cap)."""
    told = {
        "TimeGenerated": NOW,
        "Category": "Ingestion",
        "Operation": "Data collection stopped",
        "Detail": "Data collection stopped due to daily limit of free data reached. Ingestion status = OverQuota",
    }

    assert ringing(together(hours(0), {"_LogOperation": [told]})) == {CAPPED}


def test_the_engine_agrees_with_kusto_about_nothing():
    """By learn.microsoft.com/kusto/query/summarize-operator: counts and sums of nothing are 0, extremes are null."""
    query = "AppMetrics | summarize Count = count(), Many = countif(Sum > 1), Sum = sum(Sum), Most = max(Max)"

    assert asked(query, {}) == [{"Count": 0, "Many": 0, "Sum": 0, "Most": None}]


SABOTAGE = {
    "a wrong column": QUERIES[POISON].replace("Name ==", "Nam =="),
    "a wrong table": QUERIES[POISON].replace("AppMetrics", "AppMetric"),
    "a wrong operator": QUERIES[POISON].replace("summarize", "sumarize"),
    "a wrong column in a sum": QUERIES[POISON].replace("sum(Sum)", "sum(Some)"),
    "a wrong column in a condition": QUERIES[FAILED].replace("Message startswith", "Massage startswith"),
}
# One call: the parser takes seconds to load.
READ = {**QUERIES, **CHARTS, **SABOTAGE}


def read(name):
    return dict(zip(READ, parsed(*READ.values()), strict=True))[name]


@pytest.mark.parametrize("name", [*QUERIES, *CHARTS])
def test_microsofts_parser_finds_nothing_wrong(name):
    assert read(name)["problems"] == []
    assert "Value" in read(name)["columns"] or name in CHARTS


@pytest.mark.parametrize("name", SABOTAGE)
def test_microsofts_parser_notices_a_mistake(name):
    """Else the test before would hold nothing."""
    assert read(name)["problems"]


@pytest.mark.parametrize("title", CHARTS)
def test_every_chart_of_the_workbook_shows_something(hours, failed, title):
    assert asked(CHARTS[title], together(hours(0), rows(failed.envelopes)))


def test_every_rule_can_be_made_in_a_new_workspace():
    """No table has a row there yet: Azure would refuse the query as unknown."""
    for alarm in ALARMS.values():
        assert alarm["properties"]["skipQueryValidation"] is True
        assert alarm["properties"]["enabled"] is True
        assert window(alarm) >= timedelta(minutes=5)


def test_the_app_is_asked_from_outside_whether_it_is_well():
    for way in WAYS:
        health = only(way, "Microsoft.Insights/webtests")["properties"]
        alarm = only(way, "Microsoft.Insights/metricAlerts")["properties"]

        assert health["Request"]["RequestUrl"].endswith("/api/health")
        assert health["ValidationRules"]["ExpectedHttpStatusCode"] == 200
        assert len(health["Locations"]) == 3
        assert alarm["criteria"]["failedLocationCount"] == 2


def test_an_address_hears_of_everything():
    group = only("alarmed", "Microsoft.Insights/actionGroups")
    assert [one["emailAddress"] for one in group["properties"]["emailReceivers"]] == ["operators@example.org"]
    for alarm in ALARMS.values():
        assert alarm["properties"]["actions"]["actionGroups"] == [group["id"]]
    assert only("alarmed", "Microsoft.Insights/metricAlerts")["properties"]["actions"] == [
        {"actionGroupId": group["id"]}
    ]
    budget = only("alarmed", "Microsoft.Consumption/budgets")["properties"]
    assert {tuple(one["contactEmails"]) for one in budget["notifications"].values()} == {("operators@example.org",)}
    assert {one["thresholdType"] for one in budget["notifications"].values()} == {"Actual", "Forecasted"}


def test_without_an_address_there_is_nobody_to_tell():
    assert resources("ours", "Microsoft.Insights/actionGroups") == []
    assert resources("ours", "Microsoft.Consumption/budgets") == []
    assert len(resources("ours", "Microsoft.Insights/scheduledQueryRules")) == len(ALARMS)


def metrics_told():
    return set(re.findall(r'"(emu\.[a-z_.]+)"', (ROOT / "sync" / "telemetry.py").read_text()))


@pytest.mark.parametrize("name", [*QUERIES, *CHARTS])
def test_every_query_asks_for_what_the_code_tells(name):
    query = (QUERIES | CHARTS)[name]
    names = set(re.findall(r"'(emu\.[a-z_.]+)'", query))
    events = set(re.findall(r"startswith '(\w+) '", query))
    code = "\n".join(path.read_text() for folder in ("sync", "connect", "api") for path in (ROOT / folder).glob("*.py"))

    assert names <= metrics_told()
    for event in events:
        assert f'"{event} ' in code
    for outcome in re.findall(r"'(completed|awaiting_approval|failed)'", query):
        assert f'"{outcome}"' in (ROOT / "workspace" / "run.py").read_text()
    assert names or events or name == CAPPED


def test_every_metric_is_documented():
    operations = (ROOT / "docs" / "operations.md").read_text()

    assert {name for name in metrics_told() if f"`{name}`" not in operations} == {"emu.chat.entra"}


@pytest.mark.parametrize("title", [*ALARMS, "The app does not answer, or storage or a setting fails it"])
def test_every_alarm_is_explained(title):
    assert f"**{title}.**" in (ROOT / "docs" / "operations.md").read_text()
    assert title in json.dumps(module("alerts")).replace("\\'", "'").replace("''", "'")


def test_the_workbook_lets_its_reader_choose_the_time():
    picker = next(one for one in WORKBOOK if one["type"] == 9)["content"]["parameters"][0]

    assert picker["type"] == 4  # A time range.
    for one in WORKBOOK:
        if one["type"] == 3:
            assert one["content"]["timeContextFromParameter"] == picker["name"]


def test_every_table_that_is_asked_is_one_of_azures():
    for query in (QUERIES | CHARTS).values():
        assert set(re.findall(r"\b(App[A-Z]\w+|_Log\w+)\b", query)) <= set(COLUMNS)
