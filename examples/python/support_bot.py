"""An HTTP application that answers support questions with an LLM: the support bot of examples/support-bot, in Python.

ARMSPAN_ROUTING is the folder of the routing bundle, ARMSPAN_ENVIRONMENT its environment (default: production).
OPENAI_BASE_URL and OPENAI_API_KEY say which provider is asked, OTEL_EXPORTER_OTLP_ENDPOINT and
OTEL_EXPORTER_OTLP_HEADERS where telemetry goes; PORT where to listen (0: any).
"""

import json
import os
import signal
import sys
import threading
import uuid
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
from opentelemetry import trace
from opentelemetry._logs import get_logger, set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from armspan_routing import AssignmentTags, RoutedCall, Routing, RoutingError

PROMPT = "support-reply"
ENVIRONMENT = os.environ.get("ARMSPAN_ENVIRONMENT", "production")
PROVIDER = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
KEY = os.environ.get("OPENAI_API_KEY", "none")
MAX_BODY_BYTES = 65_536
REMEMBERED_REPLIES = 20_000
EXPORT_EVERY_MS = 500
PROVIDER_TIMEOUT_S = 30

# The environment stands on every span and event: evidence of another one must not count.
resource = Resource.create(
    {
        "service.name": os.environ.get("OTEL_SERVICE_NAME", "support-bot-python"),
        "deployment.environment.name": ENVIRONMENT,
    }
)
spans = TracerProvider(resource=resource)
spans.add_span_processor(AssignmentTags())
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=EXPORT_EVERY_MS))
trace.set_tracer_provider(spans)
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(), schedule_delay_millis=EXPORT_EVERY_MS))
set_logger_provider(logs)

tracer = trace.get_tracer("support-bot")
provider_connections = requests.Session()
provider_connections.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))


class ProviderError(Exception):
    def __init__(self, status: int):
        super().__init__(f"the provider failed: {status}")
        self.status = status


def complete(call: RoutedCall, user: str, turn: int) -> tuple[str, str | None]:
    """One call of the provider with its span. Returns the answer, and the simulated provider's word on its quality."""
    with tracer.start_as_current_span(
        f"chat {call.model}",
        kind=SpanKind.CLIENT,
        record_exception=False,
        set_status_on_exception=False,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": call.model,
        },
    ) as span:
        try:
            response = provider_connections.post(
                f"{PROVIDER}/chat/completions",
                json={**call.parameters, "model": call.model, "messages": call.messages, "user": user},
                headers={"authorization": f"Bearer {KEY}", "x-conversation-turn": str(turn)},
                timeout=PROVIDER_TIMEOUT_S,
            )
            if response.status_code != 200:
                raise ProviderError(response.status_code)
            body = response.json()
            answer = body["choices"][0]["message"]["content"]
        except ProviderError as error:
            span.set_attribute("error.type", str(error.status))
            span.set_status(Status(StatusCode.ERROR))
            raise
        except Exception as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
            raise ProviderError(0) from error
        span.set_attributes(
            {
                "gen_ai.response.id": body["id"],
                "gen_ai.response.model": body["model"],
                "gen_ai.response.finish_reasons": [choice["finish_reason"] for choice in body["choices"]],
                "gen_ai.usage.input_tokens": body["usage"]["prompt_tokens"],
                "gen_ai.usage.output_tokens": body["usage"]["completion_tokens"],
            }
        )
        return answer, response.headers.get("x-simulated-quality")


def fallback(question: str, error: RoutingError) -> RoutedCall:
    """What customers get when there is nothing to deliver; its calls are seen, and say so."""
    return RoutedCall(
        PROMPT,
        "gpt-4o-mini",
        {},
        [{"role": "user", "content": question}],
        error.attributes,
    )


class Application:
    def __init__(self, routing: Routing):
        self._routing = routing
        self._replies: OrderedDict[str, RoutedCall] = OrderedDict()
        self._lock = threading.Lock()

    def reply(self, body: dict) -> tuple[dict, dict[str, str]]:
        user, question = text(body, "user"), text(body, "question")
        units = {"user": user}
        if "session" in body:
            units["session"] = text(body, "session")
        try:
            variables = {"question": question, "customerName": text(body, "customerName")}
            call = self._routing.route(PROMPT, units, variables)
        except RoutingError as error:
            print(f"not routed: {error}", file=sys.stderr)
            call = fallback(question, error)
        with self._routing.delivering(call):
            answer, quality = complete(call, user, int(body.get("turn", 1)))
        identity = uuid.uuid4().hex
        with self._lock:
            self._replies[identity] = call
            if len(self._replies) > REMEMBERED_REPLIES:
                self._replies.popitem(last=False)
        return {"id": identity, "answer": answer}, {} if quality is None else {"x-simulated-quality": quality}

    def feedback(self, body: dict) -> None:
        score = float(body["score"])
        if not 0 <= score <= 1:
            raise ValueError("score: expected a number from 0 to 1")
        # Who clicks twice, or changes their mind, has still given one opinion.
        self._routing.evaluate(self._call(body), "feedback", "feedback", score, identity=text(body, "id"))

    def conversion(self, body: dict) -> None:
        self._routing.evaluate(self._call(body), "conversion", "conversion", 1, identity=text(body, "id"))

    def _call(self, body: dict) -> RoutedCall:
        with self._lock:
            call = self._replies.get(text(body, "id"))
        if call is None:
            raise ValueError("id: no such reply, or too long ago")
        return call


def text(body: dict, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 4000:
        raise ValueError(f"{name}: expected a text of 1 to 4000 characters")
    return value


def handler(application: Application) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            try:
                length = int(self.headers.get("content-length", "0"))
                if not 0 <= length <= MAX_BODY_BYTES:
                    raise ValueError("the body is too large")
                body = json.loads(self.rfile.read(length))
                if not isinstance(body, dict):
                    raise ValueError("expected a JSON object")
                if self.path == "/reply":
                    answer, headers = application.reply(body)
                    self._answer(200, answer, headers, stream=body.get("stream") is True)
                elif self.path == "/feedback":
                    application.feedback(body)
                    self._answer(204)
                elif self.path == "/conversion":
                    application.conversion(body)
                    self._answer(204)
                else:
                    self._answer(404, {"error": "not found"})
            except ProviderError as error:
                self._answer(502, {"error": str(error)})
            except (ValueError, KeyError, TypeError) as error:
                self.close_connection = True
                self._answer(400, {"error": str(error)})

        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._answer(200, {"status": "ok"})
            else:
                self._answer(404, {"error": "not found"})

        def _answer(
            self, status: int, body: dict | None = None, headers: dict | None = None, stream: bool = False
        ) -> None:
            content = b""
            kind = "application/json"
            if body is not None and stream:
                kind = "text/event-stream"
                events = [{"text": body["answer"]}, {"id": body["id"]}]
                content = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
            elif body is not None:
                content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def main() -> None:
    routing = Routing(
        Path(os.environ["ARMSPAN_ROUTING"]), ENVIRONMENT, get_logger("support-bot"), os.environ.get("ARMSPAN_UNIT_KEY")
    )
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3001"))), handler(Application(routing)))
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)

    def stop(*_: object) -> None:
        # From another thread: it waits for serve_forever, which runs on this one.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()
    server.server_close()
    # What has not left yet leaves now.
    spans.shutdown()
    logs.shutdown()
    routing.close()


main()
