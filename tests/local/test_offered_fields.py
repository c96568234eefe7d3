"""Every directory field that is offered is one that Graph has: the local Microsoft refuses others, as Graph does."""

import pytest

from mapping.fields import DIRECTORY_FIELDS, NEEDED_FIELDS
from tests.local.graph_caller import error_of


@pytest.mark.parametrize("name", sorted({*DIRECTORY_FIELDS, *NEEDED_FIELDS}))
def test_an_offered_field_can_be_asked_for(graph, name):
    assert graph.get(f"/v1.0/users/delta?$select=id,{name}").status_code == 200


def test_a_field_that_graph_does_not_have_is_refused_by_name(graph):
    answer = graph.get("/v1.0/users/delta?$select=id,shoeSize")

    status, _, message = error_of(answer)
    assert (status, "shoeSize" in message) == (400, True)


def test_some_sample_person_has_a_value_in_every_offered_field(directory):
    users = directory.control.tenant(people=300).users()

    assert [name for name in DIRECTORY_FIELDS if not any(user.get(name) for user in users)] == []
