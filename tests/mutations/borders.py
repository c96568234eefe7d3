"""Mistakes at the borders to members, former members, the queue, the logs and the tenants' administrators."""

from tests.mutations.mutation import Mutation

_CONSENT = "tests/connect/test_consent.py"
_KEYS = ("tests/api/test_keys.py",)
_QUOTAS = ("tests/api/test_quotas.py",)
_REQUESTS = ("tests/api/test_requests.py",)
_REFUSALS = ("tests/connect/test_refusals.py",)
_FORGOTTEN = ("tests/sync/test_forgetting_person.py", "tests/connect/test_forgetting.py")

BORDERS = (
    Mutation(
        "a part of the list is all of it",
        "contacts/listing.py",
        "        if condition:\n            where = all_of(where, condition)\n",
        "",
        ("tests/contacts/test_listing.py",),
    ),
    Mutation(
        "a page of a search tells the whole list's total",
        "api/contacts.py",
        "elif not asked and not search and part",
        "elif not asked and part",
        ("tests/api/test_list_parts.py",),
    ),
    Mutation("an editor holds up a run", "sync/slice.py", "singly=failures > 1", "singly=False"),
    Mutation(
        "edits go on while a connection is ended",
        "api/contacts.py",
        "if connection.stage is Stage.CLOSING:",
        "if False:",
    ),
    Mutation("edits have no limit", "api/contacts.py", "self.pace.take(caller)", "pass", ("tests/api/test_pace.py",)),
    Mutation(
        "the history outlives a deletion",
        "connect/disconnecting.py",
        "await self.workspaces.erase_people(workspace)",
        "pass",
        ("tests/connect/test_forgetting.py",),
    ),
    Mutation(
        "who left earlier outlives a deletion",
        "connect/disconnecting.py",
        "ContactsOnDisconnect.DELETE: (Link.LOCAL,)",
        "ContactsOnDisconnect.DELETE: (Link.LOCAL, Link.UNLINKED)",
        ("tests/connect/test_forgetting.py",),
    ),
    Mutation(
        "an adopted contact's history outlives its person",
        "sync/slice.py",
        "replace(change, source_id=source_id)",
        "change",
        _FORGOTTEN,
    ),
    Mutation(
        "what has the name alone outlives its person",
        "connect/forgetting.py",
        "ids |= await self._gone(message.workspace_id, partition, ids, address)",
        "pass",
        _FORGOTTEN,
    ),
    Mutation(
        "forgetting one takes what is left of all",
        "connect/forgetting.py",
        "[one for one in left if one.is_about(ids, address)]",
        "left",
        _FORGOTTEN,
    ),
    Mutation(
        "another browser completes a grant",
        "connect/consent.py",
        "if not matches(attempt.verifier_hash, verifier):",
        "if False:",
        (f"{_CONSENT}::test_a_code_that_came_to_another_browser_joins_nothing",),
    ),
    Mutation(
        "an old sign-in proves something",
        "connect/tenant.py",
        "if auth_time < earliest:",
        "if False:",
        (f"{_CONSENT}::test_a_sign_in_that_is_not_proven_to_be_fresh_proves_nothing",),
    ),
    Mutation(
        "whoever proved a tenant ends any connection",
        "connect/tenants.py",
        "connection.tenant_id != tenant or",
        "",
        ("tests/connect/test_tenants.py",),
    ),
    Mutation(
        "an outsider ends a connection that is another tenant's by now",
        "connect/connecting.py",
        "if outsider is not None and connection.tenant_id != outsider.tenant:",
        "if False:",
        ("tests/connect/test_tenants.py",),
    ),
    Mutation(
        "a refused join leaves a name in the index",
        "api/consent.py",
        "await self.tenants.leave(proof.tenant_id, caller.workspace_id)",
        "pass",
        ("tests/connect/test_tenants.py",),
    ),
    Mutation(
        "any workspace id is taken from the queue",
        "sync/messages.py",
        "            workspace_id(one)",
        "            str(one)",
    ),
    Mutation("any run id is taken from the queue", "sync/messages.py", "read_run_id(message.run_id)", "pass"),
    Mutation(
        "a quote ends a text in a filter",
        "storage/filters.py",
        """value.replace("'", "''")""",
        "value",
        ("tests/storage/test_tables.py",),
    ),
    Mutation(
        "a withdrawn key lives on", "api/keys.py", "if self._age() > limits.KEYS_LIFE_SECONDS:", "if False:", _KEYS
    ),
    Mutation("a key for encryption signs", "api/keys.py", ' and key.public_key_use in (None, "sig")', "", _KEYS),
    Mutation(
        "libraries write their requests into the log",
        "function_app.py",
        "setLevel(logging.WARNING)",
        "setLevel(logging.INFO)",
        ("tests/infra/test_telemetry.py::test_the_app_itself_makes_them_silent",),
    ),
    Mutation(
        "spans hold addresses with tokens",
        "directory/sdk.py",
        "include_euii_attributes=False",
        "include_euii_attributes=True",
        ("tests/directory/test_spans.py",),
    ),
    Mutation(
        "a refusal leaves no line",
        "api/answers.py",
        "REFUSALS.tell(error.code, handler.__name__, *who)",
        "pass",
        _REFUSALS,
    ),
    Mutation(
        "a flood fills the log",
        "connect/refusals.py",
        "if minute.lines >= limits.REFUSALS_A_MINUTE:",
        "if False:",
        _REFUSALS,
    ),
    Mutation("adoptions are not told", "sync/slice.py", "[adoption_entry(run)] if page.adopted else []", "[]"),
    Mutation(
        "a repeated page forgets whom it adopted",
        "sync/writes.py",
        "adopted=entry.adopted if entry else before is not None",
        "adopted=before is not None",
        ("tests/sync/test_plan.py",),
    ),
    Mutation(
        "everything is packaged",
        "local/tools/package.py",
        'return name == _LOCK or name.rpartition(".")[2] in endings',
        "return True",
        ("tests/local/test_package.py::test_a_secret_that_lies_about_is_neither_packaged_nor_committed",),
    ),
    Mutation(
        "numbers begin with zeros", "api/requests.py", '(text == "0" or not text.startswith("0"))', "True", _REQUESTS
    ),
    Mutation(
        "what storage refuses to look for is our fault",
        "storage/table.py",
        "if answer.status_code in _NOT_TO_BE_READ and not isinstance(error, TryLater):",
        "if False:",
        ("tests/storage/test_answers.py",),
    ),
    Mutation("full runs have no limit", "api/runs.py", "self.full_runs.take(caller)", "pass", _QUOTAS),
    Mutation("previews have no limit", "api/pace.py", "if waiting > limits.PREVIEWS_WAITING:", "if False:", _QUOTAS),
    Mutation(
        "grant attempts have no limit", "connect/consent.py", "await self._require_few(workspace)", "pass", _QUOTAS
    ),
    Mutation(
        "answers lose their headers",
        "api/answers.py",
        '_HEADERS = SECURITY_HEADERS | {"Cache-Control"',
        '_HEADERS = {"Cache-Control"',
        _QUOTAS,
    ),
)
