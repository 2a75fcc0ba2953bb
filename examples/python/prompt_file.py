"""The part of a prompt file that an application in Python needs: roles, and variables as they are.

Anything else of Dotprompt's templates (`#if`, `#each`, …) is refused, so that no part of a prompt is lost in silence.
"""

import re
from collections.abc import Mapping

FRONT_MATTER = re.compile(r"\A---\r?\n.*?^---\r?\n", re.DOTALL | re.MULTILINE)
ROLE = re.compile(r'\{\{role "(system|user|assistant|model)"\}\}')
TAG = re.compile(r"\{\{\{?(.*?)\}?\}\}", re.DOTALL)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class PromptFile:
    """Raises ValueError for a template that it cannot render."""

    def __init__(self, source: str):
        body = FRONT_MATTER.sub("", source, count=1).replace("\r\n", "\n")
        self._messages: list[tuple[str, str]] = []
        # Split into roles before any value is put in: a value can open none.
        before, *parts = ROLE.split(body)
        for role, text in [("user", before), *zip(parts[::2], parts[1::2], strict=True)]:
            if text.strip() == "":
                continue
            for tag in TAG.findall(text):
                if VARIABLE.fullmatch(tag.strip()) is None:
                    raise ValueError(f"{{{{{tag}}}}}: only {{{{variable}}}} and {{{{role}}}} can be rendered here")
            self._messages.append(("assistant" if role == "model" else role, text.strip()))

    def render(self, variables: Mapping[str, str]) -> list[dict[str, str]]:
        """Messages for a chat. Raises ValueError when a variable is missing."""

        def value(tag: re.Match[str]) -> str:
            name = tag[1].strip()
            if name not in variables:
                raise ValueError(f"the prompt needs the variable {name}")
            return variables[name]

        return [{"role": role, "content": TAG.sub(value, text)} for role, text in self._messages]
