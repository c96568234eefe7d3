"""The local directory's own certificate authority, kept between starts so that a browser's exception lasts."""

from pathlib import Path

import trustme


def authority(state: Path) -> tuple[trustme.CA, Path]:
    """The authority that is kept in a folder, made at the first call; and its certificate's file."""
    state.mkdir(parents=True, exist_ok=True)
    ca_path, key_path = state.resolve() / "ca.pem", state.resolve() / "ca-key.pem"
    if ca_path.exists() and key_path.exists():
        return trustme.CA.from_pem(ca_path.read_bytes(), key_path.read_bytes()), ca_path
    made = trustme.CA(organization_name="emu.chat local directory")
    key_path.touch(mode=0o600)
    made.private_key_pem.write_to_path(str(key_path))
    made.cert_pem.write_to_path(str(ca_path))
    return made, ca_path
