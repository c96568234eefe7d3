"""Where telemetry goes, by the usual variables: to Azure Monitor as in Azure, an OTLP endpoint, or the console."""

import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from opentelemetry import _logs, metrics, trace

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter


def export(environ: Mapping[str, str]) -> None:
    """Begin to export, if a variable asks for it. Called once a process, before the app is indexed."""
    # Each is imported where it is asked for: without an endpoint nobody pays for them.
    if environ.get("PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY", "").lower() == "true":
        # Microsoft's worker does this itself when its host starts it (docs/facts/functions.md 4).
        from azure_functions_runtime.otel import initialize_azure_monitor  # noqa: PLC0415

        initialize_azure_monitor()
    elif environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        _provide(OTLPSpanExporter(), OTLPMetricExporter(), OTLPLogExporter())
    elif environ.get("OTEL_TRACES_EXPORTER") == "console":
        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

        # Log lines are on the console anyway.
        _provide(ConsoleSpanExporter(out=sys.stderr), ConsoleMetricExporter(out=sys.stderr), None)


def _provide(spans: "SpanExporter", readings: "MetricExporter", lines: "LogRecordExporter | None") -> None:
    from opentelemetry.instrumentation.logging.handler import LoggingHandler  # noqa: PLC0415
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    tracing = TracerProvider()
    tracing.add_span_processor(BatchSpanProcessor(spans))
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(readings)]))
    if lines is not None:
        logs = LoggerProvider()
        logs.add_log_record_processor(BatchLogRecordProcessor(lines))
        _logs.set_logger_provider(logs)
        logging.getLogger().addHandler(LoggingHandler(logger_provider=logs))
