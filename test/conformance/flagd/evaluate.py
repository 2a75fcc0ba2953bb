"""Variants that flagd's Python provider gives, in-process from a file: one line per request.

usage: evaluate.py <routing.json> <requests.jsonl>

A request is `["<flag>", <context>]`; the answer is the variant, or `!<error code>`.
"""

import json
import logging
import sys

from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError

# A provider that cannot hash an id says so in the log for each one; the answer says it as well.
logging.disable(logging.CRITICAL)


def main(routing_file: str, requests_file: str) -> None:
    provider = FlagdProvider(
        resolver_type=ResolverType.FILE, offline_flag_source_path=routing_file
    )
    provider.initialize(EvaluationContext())
    answers = []
    with open(requests_file, encoding="utf-8") as requests:
        for line in requests:
            flag, context = json.loads(line)
            targeting_key = context.pop("targetingKey", None)
            try:
                details = provider.resolve_object_details(
                    flag, {}, EvaluationContext(targeting_key, context)
                )
                answers.append(details.variant or "!NONE")
            except OpenFeatureError as error:
                answers.append(f"!{error.error_code.value}")
            except Exception as error:  # what the SDK turns into GENERAL
                answers.append(f"!{type(error).__name__}")
    sys.stdout.write("".join(f"{answer}\n" for answer in answers))
    provider.shutdown()


main(*sys.argv[1:])
