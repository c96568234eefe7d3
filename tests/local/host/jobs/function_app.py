"""An app that does what its messages say, and notes what it did: a line of JSON in the file that NOTES names."""

import asyncio
import json
import os
import time
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
STARTED = time.time()


def note(what, name, **more):
    line = json.dumps({"what": what, "name": name, "at": time.time(), "pid": os.getpid(), **more}) + "\n"
    with Path(os.environ["NOTES"]).open("a") as file:
        file.write(line)


async def do(task, **more):
    """`sleep` and `block` take seconds, `fail` raises, `hold` waits for a file of its name in the folder of NOTES."""
    name = task["name"]
    note("begin", name, **more)
    try:
        await asyncio.sleep(task.get("sleep", 0))
        time.sleep(task.get("block", 0))  # noqa: ASYNC251 - that the loop stands still is the purpose
        while task.get("hold") and not (Path(os.environ["NOTES"]).parent / name).exists():  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.01)
        if task.get("fail"):
            raise RuntimeError("told to fail")
    except asyncio.CancelledError:
        note("cancelled", name)
        raise
    finally:
        note("finally", name)
    note("end", name)


@app.queue_trigger(arg_name="message", queue_name="jobs", connection="AzureWebJobsStorage")
async def work(message: func.QueueMessage) -> None:
    body = message.get_body().decode(errors="replace")
    task = json.loads(body) if body.startswith("{") else {"name": body}
    await do(task, count=message.dequeue_count)


@app.queue_trigger(arg_name="message", queue_name="jobs-poison", connection="AzureWebJobsStorage")
async def bury(message: func.QueueMessage) -> None:
    task = json.loads(message.get_body())
    note("buried", task["name"], count=message.dequeue_count)
    if task.get("restless"):
        raise RuntimeError("told to fail")


@app.queue_trigger(arg_name="message", queue_name="elsewhere", connection="OtherStorage")
async def work_elsewhere(message: func.QueueMessage) -> None:
    note("elsewhere", message.get_body().decode())


@app.timer_trigger(arg_name="timer", schedule="%TICK%")
async def tick(timer: func.TimerRequest) -> None:
    note("tick", "tick", past_due=timer.past_due)
    await asyncio.sleep(float(os.environ.get("TICK_SECONDS", "0")))
    note("tick end", "tick")


@app.route("do", methods=["POST"])
async def do_now(req: func.HttpRequest) -> func.HttpResponse:
    await do(req.get_json())
    return func.HttpResponse(b"done")


@app.route("where", methods=["GET"])
async def where(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({"pid": os.getpid(), "started": STARTED}).encode())
