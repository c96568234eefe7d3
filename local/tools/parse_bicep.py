"""Parse infra/: what can be said of it without the Bicep CLI (which CI runs, .github/workflows/infra.yaml)."""

import re
import sys
from pathlib import Path
from typing import Any

from lark.exceptions import LarkError
from pycep import BicepParser

INFRA = Path(__file__).parents[2] / "infra"
# The parser does not know extensions yet; a comment keeps the lines where they are.
_EXTENSION = re.compile(r"^(?=extension \w)", re.MULTILINE)


def parsed(path: Path) -> Any:
    """A file's tree.

    Raises:
        LarkError: it does not parse; the message names line and column.
    """
    return BicepParser().parse(text=_EXTENSION.sub("// ", path.read_text()))


def main() -> int:
    bad = 0
    for path in sorted(INFRA.rglob("*.bicep")):
        try:
            parsed(path)
        except LarkError as error:
            print(f"{path.relative_to(INFRA.parent)}: {error}", file=sys.stderr)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
