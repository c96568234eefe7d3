"""Every trigger, on one screen. It says what starts what, and decides nothing."""

import logging

import azure.functions as func

from services import services
from sync.messages import POISON_QUEUE, QUEUE, read_message

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
log = logging.getLogger(__name__)


@app.timer_trigger(arg_name="timer", schedule="%SYNC_SCHEDULE%")
async def start_hourly_runs(timer: func.TimerRequest) -> None:
    """Queue a delta run for every workspace that syncs."""
    started = await services().schedule.start_all()
    log.info("schedule_done workspaces=%d past_due=%s", started, timer.past_due)


@app.queue_trigger(arg_name="message", queue_name=QUEUE, connection="AzureWebJobsStorage")
async def work_on_run(message: func.QueueMessage) -> None:
    """Do a slice of a run."""
    await services().worker.handle(read_message(message.get_body()))


@app.queue_trigger(arg_name="message", queue_name=POISON_QUEUE, connection="AzureWebJobsStorage")
async def give_up_run(message: func.QueueMessage) -> None:
    """Mark the run of a message that kept failing as failed."""
    await services().worker.give_up(read_message(message.get_body()), "its message failed every time")
