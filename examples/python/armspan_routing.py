"""Which prompt version a call gets, read from Armspan's routing bundle with flagd's own OpenFeature provider, and what
its spans and events must say so that Armspan compares it. Copy this file and prompt_file.py into your application."""

import hashlib
import hmac
import logging
import math
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext
from opentelemetry import context
from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.sdk.trace import Span, SpanProcessor

from prompt_file import PromptFile

FLAG_SET_PREFIX = "armspan/"
RELOAD_EVERY_MS = 500
MAX_UNIT_ID_LENGTH = 1000
REMEMBERED_UNITS = 50_000
CATEGORY = re.compile(r"[\w.:/+-]+(?: [\w.:/+-]+){0,3}")
DIGEST = re.compile(r"[0-9a-f]{64}")

_CALL = context.create_key("armspan-call")

# Some guards of our audiences ask flagd whether a text is no version; that it is none is an answer, not an error.
logging.getLogger("openfeature.contrib").addFilter(
    lambda record: "is not valid SemVer" not in record.getMessage()
)


@dataclass(frozen=True)
class RoutedCall:
    """What to send, and `attributes`: the whole assignment, as spans and events carry it."""

    prompt: str
    model: str
    parameters: Mapping[str, object]
    messages: list[dict[str, str]]
    attributes: Mapping[str, str | int | bool]
    segments: Mapping[str, str] = field(default_factory=dict)
    """Of the unit, as its exposure reports them."""


class RoutingError(Exception):
    """There is nothing to deliver: the application answers with its own fallback, whose spans say `attributes`."""

    def __init__(self, message: str, attributes: Mapping[str, str | int | bool]):
        super().__init__(message)
        self.attributes = attributes


class PromptUnusable(Exception):
    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


class Routing:
    """A routing bundle that follows its folder: what Armspan swaps in is used within half a second.

    folder: what `armspan up` writes, `data/routing`; holds `routing.json` and `prompts/`.
    environment: the bundle of any other one is refused.
    unit_key: as ARMSPAN_UNIT_KEY of other applications; ids leave the process as HMAC under it.
    """

    def __init__(self, folder: Path, environment: str, events: Logger, unit_key: str | None = None):
        self._folder = folder
        self._flag_set = FLAG_SET_PREFIX + environment
        self._events = events
        self._unit_key = unit_key
        self._unit_types: dict[str, str] = {}
        self._prompts: dict[str, PromptFile] = {}
        self._exposed: dict[tuple[object, ...], None] = {}
        self._lock = Lock()
        provider = FlagdProvider(
            resolver_type=ResolverType.FILE,
            offline_flag_source_path=str(folder / "routing.json"),
            deadline_ms=RELOAD_EVERY_MS,
        )
        api.set_provider_and_wait(provider)
        self._client = api.get_client()

    def route(
        self,
        prompt: str,
        units: Mapping[str, str],
        variables: Mapping[str, str],
        audience: Mapping[str, str | int | float | bool] | None = None,
    ) -> RoutedCall:
        """units: ids of this call by type, such as {"user": "u-17"}; audience: what audiences ask for, such as
        {"country": "CH"}, of which exposures report the segments that the experiment names. Raises RoutingError."""
        # The flag says which unit it hashes, and may say another one in the bundle that is swapped in next.
        unit_type = self._unit_types.get(prompt)
        for _ in range(3):
            unit_id = _readable(units.get(unit_type or "", ""))
            details = self._evaluate(prompt, EvaluationContext(_routable(unit_id), dict(audience or {})))
            metadata = details.flag_metadata
            said = str(metadata.get("unitAttribute", metadata["unit"]))
            if said == unit_type:
                break
            unit_type = self._unit_types[prompt] = said
        else:
            raise self._unrouted(prompt, "its unit keeps changing")
        variant = details.value

        attributes: dict[str, str | int | bool] = {
            "gen_ai.prompt.name": variant["prompt"],
            "gen_ai.prompt.version": variant["version"],
            "feature_flag.key": prompt,
            "feature_flag.result.variant": details.variant,
            "armspan.enrolled": variant["enrolled"],
            "armspan.unit.type": metadata["unit"],
            "armspan.prompt.digest": variant["digest"],
            "armspan.routing.revision": metadata["revision"],
        }
        if variant["enrolled"]:
            attributes["armspan.experiment"] = variant["experiment"]
            attributes["armspan.iteration"] = variant["iteration"]
        if unit_id != "":
            attributes["armspan.unit.id"] = self._masked(unit_id)
        try:
            messages = self._messages(variant, variables)
        except PromptUnusable as unusable:
            # Intention to treat: the unit stays in its arm, whose calls would otherwise be missing; it gets what
            # everybody else gets.
            attributes["armspan.fallback.reason"] = unusable.reason
            variant = self._evaluate(prompt, EvaluationContext("")).value
            try:
                messages = self._messages(variant, variables)
            except PromptUnusable as also:
                raise RoutingError(f"{prompt}: {also}", attributes) from also
        names = _segment_names(str(metadata.get("segments", "")), attributes.get("armspan.experiment"))
        return RoutedCall(
            prompt, variant["model"], variant["parameters"], messages, attributes, _segments(names, audience or {})
        )

    @contextmanager
    def delivering(self, call: RoutedCall) -> Iterator[None]:
        """Spans that begin inside are tagged with the call's assignment; the unit is exposed to its variant."""
        self._expose(call)
        token = context.attach(context.set_value(_CALL, call))
        try:
            yield
        finally:
            context.detach(token)

    def evaluate(self, call: RoutedCall, kind: str, name: str, score: float, identity: str | None = None) -> None:
        """Reports a judgement about the call's answer. kind: feedback (score 0 to 1), score, conversion (score 1).
        identity: what makes it the same when it is reported again, such as the answer's id; without it each counts."""
        key = uuid.uuid4().hex if identity is None else _digest(call, kind, name, identity)
        self._emit(
            "gen_ai.evaluation.result",
            call,
            {
                "gen_ai.evaluation.name": name,
                "gen_ai.evaluation.score.value": float(score),
                "armspan.evaluation.kind": kind,
                "armspan.event.id": key,
            },
        )

    def close(self) -> None:
        api.shutdown()

    def _evaluate(self, prompt: str, of: EvaluationContext):
        details = self._client.get_object_details(prompt, {}, of)
        if details.error_code is not None:
            raise self._unrouted(prompt, f"{details.error_code.value} {details.error_message or ''}")
        found = details.flag_metadata.get("flagSetId")
        if found != self._flag_set:
            raise self._unrouted(prompt, f"the bundle is of {found}; expected {self._flag_set}")
        return details

    def _unrouted(self, prompt: str, message: str) -> RoutingError:
        attributes = {"gen_ai.prompt.name": prompt, "armspan.enrolled": False, "armspan.fallback.reason": "no-bundle"}
        return RoutingError(f"{prompt}: {message}", attributes)

    def _messages(self, variant: Mapping, variables: Mapping[str, str]) -> list[dict[str, str]]:
        prompt = self._prompt_file(variant["digest"])
        try:
            return prompt.render(variables)
        except ValueError as error:
            raise PromptUnusable("render-failed", str(error)) from error

    def _prompt_file(self, digest: str) -> PromptFile:
        with self._lock:
            known = self._prompts.get(digest)
        if known is not None:
            return known
        # It becomes a path: nothing but a digest may.
        if DIGEST.fullmatch(digest) is None:
            raise PromptUnusable("prompt-unreadable", f"invalid digest: {digest!r}; expected 64 hex digits")
        try:
            data = (self._folder / "prompts" / f"{digest}.prompt").read_bytes()
            if hashlib.sha256(data).hexdigest() != digest:
                raise ValueError("it is not what its name says; let Armspan write the bundle anew")
            prompt = PromptFile(data.decode("utf-8"))
        except (OSError, ValueError) as error:
            raise PromptUnusable("prompt-unreadable", f"{digest}.prompt: {error}") from error
        with self._lock:
            self._prompts[digest] = prompt
        return prompt

    def _masked(self, unit_id: str) -> str:
        if self._unit_key is None:
            return unit_id
        return hmac.digest(self._unit_key.encode(), unit_id.encode(), "sha256").hex()

    def _expose(self, call: RoutedCall) -> None:
        of = call.attributes
        if not of["armspan.enrolled"] or "armspan.unit.id" not in of:
            return
        key = (of["armspan.experiment"], of["armspan.iteration"], of["armspan.unit.id"])
        with self._lock:
            if key in self._exposed:
                return
            self._exposed[key] = None
            if len(self._exposed) > REMEMBERED_UNITS:
                del self._exposed[next(iter(self._exposed))]
        self._emit(
            "feature_flag.evaluation",
            call,
            {
                **call.segments,
                "feature_flag.result.reason": "split",
                "feature_flag.provider.name": "flagd",
                "feature_flag.set.id": self._flag_set,
                "feature_flag.version": str(of["armspan.routing.revision"]),
                "feature_flag.context.id": of["armspan.unit.id"],
                "armspan.event.id": uuid.uuid4().hex,
            },
        )

    def _emit(self, event: str, call: RoutedCall, more: Mapping[str, object]) -> None:
        self._events.emit(
            event_name=event,
            timestamp=time.time_ns(),
            severity_number=SeverityNumber.INFO,
            attributes={**call.attributes, **more},
        )


class AssignmentTags(SpanProcessor):
    """Tags every span that begins inside `delivering`, whichever library makes it. Add it before the exporter's."""

    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        call = context.get_value(_CALL, parent_context)
        if call is not None:
            span.set_attributes(call.attributes)


def _readable(unit_id: str) -> str:
    """An id that is too long is none; the length is in UTF-16, as in JavaScript."""
    return unit_id if len(unit_id.encode("utf-16-le", "surrogatepass")) // 2 <= MAX_UNIT_ID_LENGTH else ""


def _routable(unit_id: str) -> str:
    """What is hashed: printable ASCII as it is, anything else as sha256, since flagd's evaluators disagree on it."""
    if all(" " <= character <= "~" for character in unit_id) and not unit_id.endswith(" "):
        return unit_id
    return hashlib.sha256(unit_id.encode()).hexdigest()


def _segment_names(segments: str, experiment: object) -> list[str]:
    """`tone:plan,country brief:plan` says what exposures of each experiment report."""
    by_experiment = dict(part.split(":", 1) for part in segments.split(" ") if ":" in part)
    return by_experiment[experiment].split(",") if experiment in by_experiment else []


def _segments(names: list[str], audience: Mapping[str, str | int | float | bool]) -> dict[str, str]:
    """Short words, numbers and booleans; whatever else an attribute may hold by accident does not leave."""
    found = {}
    for name in names:
        value = audience.get(name)
        if isinstance(value, bool):
            found[f"armspan.segment.{name}"] = str(value).lower()
        elif isinstance(value, int | float) and math.isfinite(value):
            found[f"armspan.segment.{name}"] = str(int(value) if value == int(value) else value)
        elif isinstance(value, str) and len(value) <= 64 and CATEGORY.fullmatch(value):
            found[f"armspan.segment.{name}"] = value
    return found


def _digest(call: RoutedCall, kind: str, name: str, identity: str) -> str:
    keys = ("gen_ai.prompt.name", "armspan.experiment", "armspan.iteration", "armspan.unit.id")
    of = [call.attributes.get(key) for key in keys]
    return hashlib.sha256("\0".join(map(str, [*of, kind, name, identity])).encode()).hexdigest()
