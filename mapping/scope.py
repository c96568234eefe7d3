"""Who counts as one of the organisation's people (pure; spec §3). users/delta cannot filter, so it is decided here."""

from mapping.configuration import Configuration
from mapping.fields import DirectoryUser


def in_scope(user: DirectoryUser, configuration: Configuration) -> bool:
    """Whether a user is to be in the list. A missing `userType` or `accountEnabled` counts as a member, enabled."""
    if user.user_type == "Guest" and not configuration.include_guests:
        return False
    # UNSET and None are not False: what Graph does not say keeps nobody out.
    return user.account_enabled is not False or configuration.include_disabled
