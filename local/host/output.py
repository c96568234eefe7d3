"""What both processes print: log lines on standard error, in one form."""

import logging
import sys


def log_to_stderr(*, quiet: bool) -> None:
    logging.basicConfig(
        level=logging.WARNING if quiet else logging.INFO,
        format="[%(asctime)s] %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("azure", "aiohttp.access", "httpx", "msal"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
