"""What the host accepts in host.json (docs/facts/functions.md 11, host.json)."""

import json

import httpx
import pytest

from local.host.host_json import HostJsonProblem, read_host_json
from local.host.time_span import seconds


def read(folder, **told):
    (folder / "host.json").write_text(json.dumps(told))
    return read_host_json(folder)


@pytest.mark.parametrize(
    "queues",
    [
        {"batchSize": 0},
        {"batchSize": -1},
        {"batchSize": 33},
        {"batchSize": "many"},
        {"maxDequeueCount": 0},
        {"maxPollingInterval": "00:00:00.05"},
        {"visibilityTimeout": "soon"},
        {"newBatchThreshold": -1},
    ],
)
def test_values_that_the_host_refuses(tmp_path, queues):
    """'batchSize 0, negative, 33 or a word, maxDequeueCount 0, polling under 100 ms'."""
    with pytest.raises(HostJsonProblem):
        read(tmp_path, extensions={"queues": queues})


def test_a_function_timeout_without_colons_is_refused(tmp_path):
    """'a time-out without colons'."""
    with pytest.raises(HostJsonProblem, match="functionTimeout"):
        read(tmp_path, functionTimeout="600")


def test_a_host_with_a_bad_host_json_is_up_and_answers_503_to_everything(jobs):
    """'the host is up and answers 503 to everything'."""
    jobs.host_json(batchSize=33)
    host = jobs.start()

    for path in ("/", "/api/where", "/nothing", "/admin/host/ping"):
        assert httpx.get(f"{host.url}{path}").status_code == 503
    assert "batchSize must be from 1 to 32" in jobs.log()
    assert host.process.poll() is None


def test_unknown_keys_and_numbers_in_quotes_are_accepted(tmp_path):
    """'Unknown keys and `"4"` are accepted.'"""
    told = read(tmp_path, extensions={"queues": {"batchSize": "4", "newBatchThreshold": "100", "colour": 1}}, more=[])

    assert told.extensions.queues.batch_size == 4
    assert told.extensions.queues.threshold == 100


def test_thirty_means_thirty_days(tmp_path):
    """'`visibilityTimeout: "30"` means thirty days'."""
    told = read(tmp_path, extensions={"queues": {"visibilityTimeout": "30"}})

    assert told.extensions.queues.visibility_seconds == 30 * 24 * 3600


@pytest.mark.parametrize(
    ("text", "length"),
    [("00:10:00", 600), ("00:00:00.25", 0.25), ("1.02:00", 26 * 3600), ("01:30", 5400), ("2", 172800)],
)
def test_time_spans(text, length):
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "ten", "00:60:00", "25:00:00", "00:00:61", "1:2:3:4:5"])
def test_what_is_no_time_span(text):
    with pytest.raises(ValueError, match=r"time span|range"):
        seconds(text)


def test_a_function_timeout_of_minus_one_is_without_end(tmp_path):
    """Section 4: '`-1` = unbounded accepted'."""
    assert read(tmp_path, functionTimeout="-1").timeout_seconds is None


def test_without_a_file_there_are_the_defaults(tmp_path):
    """Section 1 and 4: batchSize 16, maxDequeueCount 5, functionTimeout 30 minutes."""
    told = read_host_json(tmp_path)

    assert (told.extensions.queues.batch_size, told.extensions.queues.max_dequeue_count) == (16, 5)
    assert told.timeout_seconds == 1800
