"""Every trigger, on one screen. It says what starts what, and decides nothing."""

import logging
from datetime import UTC, datetime

import azure.functions as func

from api.answers import answering
from services import services
from sync import telemetry
from sync.messages import HOURLY_POISON_QUEUE, HOURLY_QUEUE, POISON_QUEUE, QUEUE, read_message

# At INFO, Microsoft's worker writes their every request, whole addresses with delta tokens among them.
for _chatty in ("azure", "httpx", "msal"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)

# Anonymous to the host, because each call checks emu.chat's own token (api/caller.py).
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
log = logging.getLogger(__name__)


@app.timer_trigger(arg_name="timer", schedule="%SYNC_SCHEDULE%")
async def start_hourly_runs(timer: func.TimerRequest) -> None:
    """Queue a delta run for every workspace that syncs, at its place; once a day, the pruning of every workspace."""
    started = await services().schedule.tick()
    telemetry.scheduled(started)
    log.info("schedule_done workspaces=%d past_due=%s", started, timer.past_due)


# From 01:00 to 04:50 UTC. Most ticks find nothing to do: a hundred thousand workspaces take an hour.
@app.timer_trigger(arg_name="timer", schedule="0 */10 1-4 * * *")
async def export_workspaces(timer: func.TimerRequest) -> None:
    """Do a slice of the day's export of what a full run cannot bring back."""
    log.debug("export_tick past_due=%s", timer.past_due)
    await services().exporting.work()


@app.queue_trigger(arg_name="message", queue_name=QUEUE, connection="AzureWebJobsStorage")
async def work_on_run(message: func.QueueMessage) -> None:
    """Do a slice of a run."""
    telemetry.message_came(message.insertion_time, datetime.now(UTC))
    await services().dispatch.handle(read_message(message.get_body()))


@app.queue_trigger(arg_name="message", queue_name=HOURLY_QUEUE, connection="AzureWebJobsStorage")
async def work_on_hourly_run(message: func.QueueMessage) -> None:
    """Do the first slice of a run that the timer started, or go on with the timer's work."""
    telemetry.message_came(message.insertion_time, datetime.now(UTC))
    await services().dispatch.handle(read_message(message.get_body()))


@app.queue_trigger(arg_name="message", queue_name=HOURLY_POISON_QUEUE, connection="AzureWebJobsStorage")
async def give_up_hourly_run(message: func.QueueMessage) -> None:
    """Mark the hourly run of a message that kept failing as failed."""
    await services().dispatch.bury(message.get_body())


@app.queue_trigger(arg_name="message", queue_name=POISON_QUEUE, connection="AzureWebJobsStorage")
async def give_up_run(message: func.QueueMessage) -> None:
    """Mark the run of a message that kept failing as failed."""
    await services().dispatch.bury(message.get_body())


@app.route("integrations/entra", methods=["GET"])
@answering
async def show_integration(req: func.HttpRequest) -> func.HttpResponse:
    """The connector's card."""
    return await services().integration.show(req)


@app.route("integrations/entra/fields", methods=["GET"])
@answering
async def list_fields(req: func.HttpRequest) -> func.HttpResponse:
    """What can be mapped to what."""
    return await services().integration.fields(req)


@app.route("integrations/entra/preview/people", methods=["POST"])
@answering
async def preview_people(req: func.HttpRequest) -> func.HttpResponse:
    """What a configuration would do to single people."""
    return await services().people_calls.preview(req)


@app.route("integrations/entra/config", methods=["GET"])
@answering
async def show_config(req: func.HttpRequest) -> func.HttpResponse:
    """The saved configuration."""
    return await services().integration.configuration(req)


@app.route("integrations/entra/config", methods=["PUT"])
@answering
async def save_config(req: func.HttpRequest) -> func.HttpResponse:
    """Save the configuration and queue its full run."""
    return await services().integration.configure(req)


@app.route("integrations/entra/pause", methods=["POST"])
@answering
async def pause(req: func.HttpRequest) -> func.HttpResponse:
    """Stop syncing until it is resumed."""
    return await services().integration.pause(req)


@app.route("integrations/entra/resume", methods=["POST"])
@answering
async def resume(req: func.HttpRequest) -> func.HttpResponse:
    """Let syncing go on."""
    return await services().integration.resume(req)


@app.route("integrations/entra/preview", methods=["POST"])
@answering
async def preview_config(req: func.HttpRequest) -> func.HttpResponse:
    """What a configuration would do."""
    return await services().integration.preview(req)


@app.route("integrations/entra/people", methods=["GET"])
@answering
async def find_people(req: func.HttpRequest) -> func.HttpResponse:
    """Find a person: in the list or not, and why."""
    return await services().people_calls.find(req)


@app.route("integrations/entra/status", methods=["GET"])
@answering
async def show_status(req: func.HttpRequest) -> func.HttpResponse:
    """The Sync Status area."""
    return await services().integration.status(req)


@app.route("integrations/entra/sync", methods=["POST"])
@answering
async def start_run(req: func.HttpRequest) -> func.HttpResponse:
    """Sync Now and Full Resync."""
    return await services().run_calls.sync(req)


@app.route("integrations/entra/runs", methods=["GET"])
@answering
async def list_runs(req: func.HttpRequest) -> func.HttpResponse:
    """Runs, newest first."""
    return await services().run_calls.history(req)


@app.route("integrations/entra/runs.csv", methods=["GET"])
@answering
async def download_runs(req: func.HttpRequest) -> func.HttpResponse:
    """Runs as a table."""
    return await services().run_calls.history_csv(req)


@app.route("integrations/entra/runs/{id}", methods=["GET"])
@answering
async def show_run(req: func.HttpRequest) -> func.HttpResponse:
    """One run."""
    return await services().run_calls.show(req)


@app.route("integrations/entra/runs/{id}/changes", methods=["GET"])
@answering
async def list_changes(req: func.HttpRequest) -> func.HttpResponse:
    """What a run changed, field by field."""
    return await services().run_calls.changes(req)


@app.route("integrations/entra/runs/{id}/pending", methods=["GET"])
@answering
async def list_pending(req: func.HttpRequest) -> func.HttpResponse:
    """The people whose removal waits for approval."""
    return await services().run_calls.pending(req)


@app.route("integrations/entra/runs/{id}/pending.csv", methods=["GET"])
@answering
async def download_pending(req: func.HttpRequest) -> func.HttpResponse:
    """The same as a table."""
    return await services().run_calls.pending_csv(req)


@app.route("integrations/entra/runs/{id}/approve", methods=["POST"])
@answering
async def approve_run(req: func.HttpRequest) -> func.HttpResponse:
    """Let the removals that wait go ahead."""
    return await services().run_calls.approve(req)


@app.route("integrations/entra/runs/{id}/discard", methods=["POST"])
@answering
async def discard_run(req: func.HttpRequest) -> func.HttpResponse:
    """Drop the removals that wait."""
    return await services().run_calls.discard(req)


@app.route("integrations/entra/runs/{id}/cancel", methods=["POST"])
@answering
async def cancel_run(req: func.HttpRequest) -> func.HttpResponse:
    """End a run that is queued or running."""
    return await services().run_calls.cancel(req)


@app.route("integrations/entra/runs/{id}/undo", methods=["GET"])
@answering
async def preview_undo(req: func.HttpRequest) -> func.HttpResponse:
    """What undoing a run would do."""
    return await services().run_calls.preview_undo(req)


@app.route("integrations/entra/runs/{id}/undo", methods=["POST"])
@answering
async def undo_run(req: func.HttpRequest) -> func.HttpResponse:
    """Put back what a run changed."""
    return await services().run_calls.undo(req)


@app.route("integrations/entra/quality", methods=["GET"])
@answering
async def show_quality(req: func.HttpRequest) -> func.HttpResponse:
    """How complete and usable the directory's data is."""
    return await services().quality_calls.show(req)


@app.route("integrations/entra/quality/{figure}", methods=["GET"])
@answering
async def list_people_behind(req: func.HttpRequest) -> func.HttpResponse:
    """The contacts behind a figure."""
    return await services().quality_calls.people(req)


@app.route("integrations/entra/quality/{figure}/people.csv", methods=["GET"])
@answering
async def download_people_behind(req: func.HttpRequest) -> func.HttpResponse:
    """The same as a table."""
    return await services().quality_calls.people_csv(req)


@app.route("integrations/entra/audit", methods=["GET"])
@answering
async def list_audit(req: func.HttpRequest) -> func.HttpResponse:
    """Who did what."""
    return await services().run_calls.audit(req)


@app.route("integrations/entra/audit/{id}/undo", methods=["GET"])
@answering
async def preview_undo_of_edits(req: func.HttpRequest) -> func.HttpResponse:
    """What undoing a person's edits would do."""
    return await services().run_calls.preview_undo_of_edits(req)


@app.route("integrations/entra/audit/{id}/undo", methods=["POST"])
@answering
async def undo_edits(req: func.HttpRequest) -> func.HttpResponse:
    """Put back what a person changed."""
    return await services().run_calls.undo_edits(req)


@app.route("contact-lists", methods=["GET"])
@answering
async def list_contact_lists(req: func.HttpRequest) -> func.HttpResponse:
    """The workspace's lists."""
    return await services().contact_calls.lists(req)


@app.route("contact-lists/{list}", methods=["PATCH"])
@answering
async def rename_contact_list(req: func.HttpRequest) -> func.HttpResponse:
    """Give a list a name of its own."""
    return await services().contact_calls.rename(req)


@app.route("contact-lists/{list}/contacts", methods=["GET"])
@answering
async def list_contacts(req: func.HttpRequest) -> func.HttpResponse:
    """A page of a list."""
    return await services().contact_calls.contacts(req)


@app.route("contact-lists/{list}/contacts.csv", methods=["GET"])
@answering
async def download_contacts(req: func.HttpRequest) -> func.HttpResponse:
    """A list as a table."""
    return await services().contact_calls.csv(req)


@app.route("contact-lists/{list}/contacts", methods=["POST"])
@answering
async def add_contact(req: func.HttpRequest) -> func.HttpResponse:
    """A person adds a contact."""
    return await services().contact_calls.add(req)


@app.route("contact-lists/{list}/contacts/{contact}", methods=["GET"])
@answering
async def show_contact(req: func.HttpRequest) -> func.HttpResponse:
    """One contact."""
    return await services().contact_calls.contact(req)


@app.route("contact-lists/{list}/contacts/{contact}", methods=["PATCH"])
@answering
async def change_contact(req: func.HttpRequest) -> func.HttpResponse:
    """A person edits a contact."""
    return await services().contact_calls.change(req)


@app.route("contact-lists/{list}/contacts/{contact}", methods=["DELETE"])
@answering
async def remove_contact(req: func.HttpRequest) -> func.HttpResponse:
    """A person removes a contact."""
    return await services().contact_calls.remove(req)


@app.route("health", methods=["GET"])
@answering
async def show_health(req: func.HttpRequest) -> func.HttpResponse:
    """Whether the app can do its work."""
    return await services().health.show(req)


@app.route("portal/{*path}", methods=["GET"])
@answering
async def show_portal(req: func.HttpRequest) -> func.HttpResponse:
    """The Integrations page."""
    return await services().portal.show(req)


@app.route("integrations/entra/notifications", methods=["POST"])
@answering
async def receive_notifications(req: func.HttpRequest) -> func.HttpResponse:
    """Microsoft's doorbell."""
    return await services().notification_calls.receive(req)


@app.route("integrations/entra/consent", methods=["POST"])
@answering
async def begin_consent(req: func.HttpRequest) -> func.HttpResponse:
    """Grant permissions: where the browser goes."""
    return await services().consent_calls.begin(req)


@app.route("integrations/entra/consent/callback", methods=["GET"])
@answering
async def return_from_consent(req: func.HttpRequest) -> func.HttpResponse:
    """Microsoft's returns."""
    return await services().consent_calls.callback(req)


@app.route("integrations/entra/consent/review", methods=["POST"])
@answering
async def review_consent(req: func.HttpRequest) -> func.HttpResponse:
    """Which tenant a grant would join, before it does."""
    return await services().consent_calls.review(req)


@app.route("integrations/entra/consent/end-other", methods=["POST"])
@answering
async def end_other_connection(req: func.HttpRequest) -> func.HttpResponse:
    """The tenant's administrator ends another workspace's connection to it."""
    return await services().consent_calls.end_other(req)


@app.route("integrations/entra/consent/complete", methods=["POST"])
@answering
async def complete_consent(req: func.HttpRequest) -> func.HttpResponse:
    """Join the proven tenant to the workspace."""
    return await services().consent_calls.complete(req)


@app.route("integrations/entra", methods=["DELETE"])
@answering
async def disconnect(req: func.HttpRequest) -> func.HttpResponse:
    """End the connection."""
    return await services().consent_calls.disconnect(req)
