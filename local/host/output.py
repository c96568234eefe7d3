"""What both processes print: log lines on standard error, in one form."""

import logging
import sys


def log_to_stderr(*, quiet: bool) -> None:
    logging.basicConfig(
        level=logging.WARNING if quiet else logging.INFO,
        format="[%(asctime)s] %(levelname)s %(message)s",
        stream=sys.stderr,
    )


def quieten_host() -> None:
    """Keep the host's own clients out of the log. In the worker nothing is kept out, as in Azure."""
    logging.getLogger("azure").setLevel(logging.WARNING)
