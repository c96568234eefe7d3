"""What azd runs beside the templates (azure.yaml). It needs Python 3.9 or later and, to delete, the Azure CLI.

azd hands its environment over, the template's outputs included.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence


def main(arguments: Sequence[str]) -> int:
    hooks = {"postprovision": postprovision, "predown": predown}
    if len(arguments) != 1 or arguments[0] not in hooks:
        print(f"usage: hooks.py {'|'.join(hooks)}", file=sys.stderr)
        return 2
    return hooks[arguments[0]](os.environ)


def postprovision(azd: Mapping[str, str]) -> int:
    """Say what is left to do before the app works and somebody hears of it when it does not."""
    if not azd.get("ALERT_EMAIL"):
        print("WARNING: nobody is told by the alarms. azd env set ALERT_EMAIL <address>, then azd provision.")
    if not azd.get("ENTRA_CLIENT_ID"):
        print("The app registration is missing. Make it with these values (infra/README.md has the commands):")
        for name in ("REDIRECT_URI", "FEDERATION_ISSUER", "FEDERATION_SUBJECT", "FEDERATION_AUDIENCE"):
            print(f"  {name}={azd.get(name, '')}")
        print("Then: azd env set ENTRA_CLIENT_ID <its application (client) id>, azd provision.")
    return 0


def predown(azd: Mapping[str, str]) -> int:
    """Offer to delete what `azd down` leaves or cannot delete: the app registration and the lock on the data.

    Returns 1, which stops azd, when the lock stays: Azure would refuse in the middle.
    """
    client = azd.get("ENTRA_CLIENT_ID", "")
    if azd.get("MAKE_APP_REGISTRATION", "true").lower() == "true" and client:
        print(f"azd down leaves the app registration {client}, and with it every organisation's grant to it.")
        if _agreed("Delete it as well? Entra keeps it restorable for 30 days."):
            _az("ad", "app", "delete", "--id", client)
        else:
            print(f"It stays. To delete it later: az ad app delete --id {client}")
    if lock := azd.get("DATA_LOCK", ""):
        print("The storage account with all contacts, and the exports of them, is locked against deletion.")
        if not _agreed("Remove the lock, so that they are deleted for good?"):
            print("The lock stays, and nothing is taken down.", file=sys.stderr)
            return 1
        _az("lock", "delete", "--ids", lock)
    return 0


def _agreed(question: str) -> bool:
    """Whether somebody typed 'yes'; nobody there is a no."""
    try:
        return input(f"{question} [yes/No] ").strip().lower() == "yes"
    except EOFError:
        print()
        return False


def _az(*words: str) -> None:
    """Run the Azure CLI; where it is missing or fails, say so and stop."""
    az = shutil.which("az")
    if az is None or subprocess.run([az, *words], check=False).returncode != 0:
        sys.exit(f"This did not succeed: az {' '.join(words)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
