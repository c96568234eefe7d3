"""docs/events.md is what the shapes say."""

from local.tools.events import EXAMPLES, PAGE, page
from workspace.events import KINDS


def test_the_page_of_events_is_made_from_the_shapes():
    assert PAGE.read_text() == page(), "run `make events`"


def test_every_kind_of_event_has_an_example_of_itself():
    assert {kind: type(example) for kind, example in EXAMPLES.items()} == {kind: kind for kind in KINDS}
