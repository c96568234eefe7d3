"""Every time limit, size and lease, with its unit and its reason (pure).

`tests/test_limits.py` holds what must be true between them, for instance that a lease is longer than any call.
"""

from datetime import timedelta

# Calls. The services' own limits: facts/functions.md 6, facts/graph.md 4.
TABLE_CALL_SECONDS = 30.0
"""A call to Table Storage with all its retries. The service itself gives up after 30."""
QUEUE_CALL_SECONDS = 30.0
"""A call to the queue with all its retries."""
BLOB_CALL_SECONDS = 60.0
"""A call to Blob Storage with all its retries: a part of an export is some megabytes."""
GRAPH_CALL_SECONDS = 60.0
"""A request to Microsoft Graph, its token included."""
GRAPH_QUIET_SECONDS = 30.0
"""How long Microsoft Graph may send nothing within a request."""
KEYS_CALL_SECONDS = 10.0
"""A request for signing keys: a person waits for it."""
KEYS_FRESH_SECONDS = 900.0
"""Signing keys older than this are asked for again."""
KEYS_LIFE_SECONDS = 3600.0
"""Signing keys that cannot be renewed are believed no longer: a withdrawn one must not live on."""
KEYS_AGAIN_SECONDS = 60.0
"""Between two requests for signing keys, whatever ids the tokens name."""
KEYS_DOWN_SECONDS = 5.0
"""The same while there are no keys to go by."""
SIGN_IN_SECONDS = 40.0
"""MSAL's part of a sign-in, which is several requests."""
SIGN_IN_MAX_AGE_SECONDS = 600
"""Of the administrator's sign-in at Microsoft: a grant attempt's life. The one for the consent page is young enough."""

# A run's lease (spec §6: a run whose worker vanished goes on mostly within a minute).
LEASE = timedelta(seconds=45)
"""How long after its last renewal a worker counts as alive: a heartbeat, and a call to storage at its time limit."""
HEARTBEAT_SECONDS = 15.0
"""Between a worker's renewals of its lease."""
LOOK_AGAIN_AFTER_SECONDS = 3.0
"""A slice that lasts longer has a message in the queue that looks again after the lease. An idle delta run ends
before and sends none."""
MARGIN_SECONDS = 3.0
"""Added to a delay that ends with a lease or a pause, so that the message does not come just before its end."""
DEATHS = 3
"""Workers that die in a row at the same place of a run; the last one ends the run."""

# A slice.
SLICE_SECONDS = 240
"""The default of the setting: a message's time budget."""
LONGEST_SLICE_SECONDS = 480.0
"""After this a slice ends in the middle of a page: below functionTimeout (host.json), which kills the worker."""
LONGEST_SLICE_SETTING_SECONDS = 420
"""The largest value of the setting, so that a slice ends by its budget before it is cut off."""

LONGEST_MESSAGE_SECONDS = 545.0
"""After this whatever a message began is cut off: before functionTimeout, at which the host kills every execution."""
TURN_SECONDS = 0.005
"""Work on many people gives way after so long: all workspaces' runs and calls share one thread."""
PEOPLE_A_TURN = 500
"""Work that cannot give way, on more people than this, is done in a thread of its own. Graph's pages have 200."""

# Many slices in one process (spec §6).
PLACES = 32
"""Messages of one queue that an instance works on at once: batchSize and newBatchThreshold of host.json together."""
SLICE_TURN_SECONDS = 1.0
"""A slice works so long before it makes way for others; where reading the list took longer, twice as long as that."""
TRANSACTIONS_AT_ONCE = 6
"""Transactions of contacts that a process has on their way. So many reach an account's 20,000 rows a second (facts 6);
more would only make the few calls of a small run wait behind them."""
ROOM_BYTES = 256 * 1024 * 1024
"""What the slices of a process hold in memory together: three full runs over 100,000 people that keep their rows."""
SMALL_BYTES = 4 * 1024 * 1024
"""A slice that asks for no more than this never waits for room."""
ROOM_WAIT_SECONDS = 2.0
"""How long a slice waits for room in its place, before it goes to the end of the queue."""
KEPT_ROW_BYTES = 750
"""A contact's row of a scan that is kept."""
MEASURING_SECONDS = 240
"""Of the nightly measurement of one list; well before its message would be cut off and begin again."""
MEASURED_BYTES = 150
"""A contact of a measurement: its address as eight bytes, and whose it was first."""
ROLL_BYTES = 100
"""A person in the roll call, at the most: one of a first sync stands in a set."""

# The timer (spec §6).
LONGEST_SPAN = timedelta(hours=1)
"""Over which the runs of one tick are spread at most; the next tick ends it earlier."""
TICK_SECONDS = 20.0
"""A part of a tick's work, begun with a page of workspaces at most; a message continues it."""
TIMER_EARLY = timedelta(seconds=1)
"""So much before its occurrence the timer may come: the host's clock and ours are not one."""

# Pauses.
LONGEST_SLEEP_SECONDS = 30.0
"""A longer pause ends the slice, and the continuation waits in the queue (spec §6)."""
FIRST_GRAPH_PAUSE_SECONDS = 0.5
"""Before the second try; doubled from try to try. Never 0: `Retry-After: 0` must not become a busy loop."""
GRAPH_TRIES = 5
LONGEST_DELAY_SECONDS = 6 * 86_400.0
"""What a message is delayed by at most: the queue takes less than a message's life of 7 days (facts/functions.md 1)."""
OPERATOR_PAUSE_SECONDS = 300.0
"""Between tries while our own credential fails: only an operator can change that."""
SPREADING = timedelta(hours=1)
"""How long the worker waits for a new permission (spec §2)."""
FIRST_PERMISSION_PAUSE_SECONDS = 5.0
LONGEST_PERMISSION_PAUSE_SECONDS = 300.0
TENANT_MISSING = timedelta(minutes=55)
"""'Tenant not found' is believed after so long, which is two hourly runs (facts/graph.md 11, AADSTS90002)."""

# A round that does not end (spec §6).
IDLE_PAGES_AT_ONCE = 5
"""Pages in a row that name nobody new, before each further one is waited for."""
MOST_IDLE_PAGES = 100
"""Pages that name nobody new, beside those that the directory's size explains, before the run ends."""
PEOPLE_A_PAGE = 200
"""What Graph puts on a page at most (facts/graph.md 11)."""
PEOPLE_A_FILTER = 50
"""Object ids in one `$filter` of users/delta (facts/graph.md 1.1)."""

# Sizes.
MOST_KEPT_ROWS = 100_000
"""Rows of a scan that one slice keeps in memory: about 75 MB."""
READS_A_SCAN = 100
"""A scan of the list is cheaper than point reads of more than one contact in so many."""
BATCH = 50
"""Contacts a journal page outside of Graph's pages: with the rows that find them, at most a transaction each."""
UNDO_PAGES = 16
"""Pages of a run's journal that its undo reads at once; each is at most 1 MiB."""
UNDO_BATCH = 200
"""Entries that an undo takes to one page of its own journal, or a few more: it takes whole pages of the run."""
UNDO_SHOWN = 100
"""Contacts that the preview of an undo names: of those that go back, and of those that are left alone."""
SAMPLE = 10
"""Names shown of the removals that wait."""
LARGEST_KEYS_BYTES = 512 * 1024
"""Of a set of signing keys."""
LARGEST_BODY_BYTES = 256 * 1024
"""Of a request's body."""

# A configuration. Together they fit into one row, the audit entry with both sides of a change too.
MOST_RULES = 10
"""Scope rules (spec §3)."""
MOST_RULE_VALUES = 50
LONGEST_RULE_VALUE = 100
"""UTF-16 units."""
LONGEST_RULES = 55_000
"""Characters of all scope rules together, as JSON: those that JSON escapes take up to six."""
MOST_EXCLUDED = 1_000
"""Excluded people (spec §3)."""

# What a person may ask for.
EDITS_AT_ONCE = 2_000
"""Edits of contacts by one person without a pause: an import of a list."""
EDITS_PER_SECOND = 10.0
"""Edits by one person that go on for ever: more than a person types, less than what keeps a run busy."""

BULK_EDITS = (20, 200, 2_000, 20_000)
"""Contacts that one person adds, changes or removes within an hour: at each count the audit trail tells of it."""
FULL_RUNS_AT_ONCE = 6
"""Full Resyncs of one workspace that people ask for without a pause."""
SECONDS_A_FULL_RUN = 120.0
"""After those, one in so many seconds: each reads the whole directory."""
PREVIEWS_WAITING = 3
"""Previews of a workspace that wait for the one that goes on."""
OPEN_ATTEMPTS = 50
"""Grant attempts of a workspace within their ten minutes."""
REFUSALS_A_MINUTE = 60
"""Lines about refused callers, by each process: a flood must not fill the log."""

# Change notifications (spec §6; facts/graph.md 9).
SUBSCRIPTION_LIFE = timedelta(days=28)
"""What is asked for; Microsoft allows 41,760 minutes, which is 29 days."""
SUBSCRIPTION_LOOKED_AFTER = timedelta(hours=6)
"""After so long a run asks Microsoft whether the subscription is still there: nobody tells of a lost one."""
SUBSCRIPTION_TRIED_AGAIN = timedelta(days=1)
"""After Microsoft's refusal."""
DOORBELL_SECONDS = 2.5
"""For an answer to a notification: Microsoft counts one after 3 s as slow, and drops endpoints that are slow."""
DOORBELL_PAUSE = timedelta(seconds=15)
"""Between the beginnings of two runs of a connection that doorbells ask for."""
DOORBELL_CHECKED_SECONDS = 10.0
"""How long a process believes what it read of a connection's subscription."""
DOORBELL_DOUBTED_SECONDS = 1.0
"""The same where a notification does not fit to it: the subscription may be newer."""
DOORBELL_LOOKUPS = 50
"""Connections that one body's notifications are looked up for; a body of Microsoft's names fewer."""
MOST_DOORBELLS = 10_000
"""Connections whose doorbells a process remembers."""

# Keeping.
HISTORY = timedelta(days=90)
"""How long runs and their changes are kept (spec §6)."""
WEEK = timedelta(days=7)
"""Between two verifications of a connection (spec §6)."""
