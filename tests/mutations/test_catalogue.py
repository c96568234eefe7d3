"""The list of mutations fits the code that is there: `make mutants` would otherwise try nothing."""

import ast

import pytest

from tests.mutations.__main__ import ROOT
from tests.mutations.catalogue import MUTATIONS


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_its_place_is_there_once(mutation):
    text = (ROOT / mutation.path).read_text()

    assert text.count(mutation.old) == 1
    assert mutation.old != mutation.new
    ast.parse(text.replace(mutation.old, mutation.new))


def test_there_are_enough_and_each_has_a_name():
    assert len({one.name for one in MUTATIONS}) == len(MUTATIONS) >= 45
