"""azure.yaml and main.parameters.json: what azd does in which order, and with what."""

import json

import yaml

from tests.infra.kept import template
from local.tools.infra import INFRA

ROOT = INFRA.parent


def azure():
    return yaml.safe_load((ROOT / "azure.yaml").read_text())


def parameters():
    return json.loads((INFRA / "main.parameters.json").read_text())["parameters"]


def test_azd_fills_in_what_the_template_knows_and_everything_it_needs():
    known = template()["parameters"]
    needed = {name for name, told in known.items() if "defaultValue" not in told}

    assert set(parameters()) <= set(known)
    assert needed - set(parameters()) <= {"stateSecret"}
