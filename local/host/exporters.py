"""Where telemetry goes outside Azure: an OTLP endpoint, or the console, by OpenTelemetry's usual variables.

In Azure there is nothing to do: the worker itself sets up Azure Monitor (`telemetryMode`; facts/functions.md 4).
"""

import sys
from collections.abc import Mapping

from opentelemetry import metrics, trace


def export(environ: Mapping[str, str]) -> None:
    """Begin to export, if a variable asks for it and the worker has not begun already. Called once a process."""
    otlp = bool(environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    console = environ.get("OTEL_TRACES_EXPORTER") == "console"
    if not (otlp or console) or environ.get("APPLICATIONINSIGHTS_CONNECTION_STRING"):
        return
    # Imported here: without an endpoint nobody pays for them.
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter  # noqa: PLC0415

    if otlp:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        spans: SpanExporter = OTLPSpanExporter()
        readings: MetricExporter = OTLPMetricExporter()
    else:
        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

        spans, readings = ConsoleSpanExporter(out=sys.stderr), ConsoleMetricExporter(out=sys.stderr)
    tracing = TracerProvider()
    tracing.add_span_processor(BatchSpanProcessor(spans))
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(readings)]))
