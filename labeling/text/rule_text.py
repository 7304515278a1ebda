"""What the text of a rule alone shows: that it can never be found in any review."""

from __future__ import annotations

import re
import unicodedata

from ...data.errors import ConfigError

# Parts of a pattern that match letters of one kind, and what stands for them: "A" where only capitals match.
_CLASS = re.compile(r"\\p\{Lu\}|\[(\^?)((?:\\.|[^\]\\])+)\]")
_ESCAPE = re.compile(r"\\(?:[pPxuU]\{[^}]*\}|[pP]\w|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_GROUP_NAME = re.compile(r"\(\?(?:P?<\w+>|[a-zA-Z-]*:)")
_INNERMOST = re.compile(r"\(([^()]*)\)([?*]|\{0)?")
_OPTIONAL = re.compile(r".(?:[?*]|\{0)", re.DOTALL)
_FLAGS = re.compile(r"\(\?[a-zA-Z-]+\)")
_IGNORES_CASE_OR_SPACES = re.compile(r"\(\?[a-zA-Z]*[ix]")


def check_no_control_character(text: str, *, allowed: str = "") -> None:
    """Refuse rules with characters that nobody types into a review.

    Raises
    ------
    ConfigError
        If there is one that is not among the allowed.
    """
    found = [char for char in text if unicodedata.category(char) == "Cc" and char not in allowed]
    if found:
        raise ConfigError(
            f"{text!r} holds the control character {found[0]!r} and would never be found.",
            hint=r"Write patterns in single quotes, as in '\bword': within double quotes TOML reads \b as a backspace.",
        )


def needs_capital(pattern: str) -> bool:
    """Whether a regular expression can match no text without capital letters; False where that is hard to tell."""
    if _IGNORES_CASE_OR_SPACES.search(pattern):
        return False
    text = _ESCAPE.sub("", _CLASS.sub(lambda found: "A" if _only_capitals(found) else "", pattern))
    text = _GROUP_NAME.sub("(", _FLAGS.sub("", text))
    while group := _INNERMOST.search(text):
        needed = not group[2] and _has_capital_in_each(group[1])
        text = text[: group.start()] + ("A" if needed else "") + text[group.end() :]
    return _has_capital_in_each(text)


def _has_capital_in_each(alternatives: str) -> bool:
    return all(any(c != c.lower() for c in _OPTIONAL.sub("", part)) for part in alternatives.split("|"))


def _only_capitals(found: re.Match[str]) -> bool:
    if found[2] is None:  # \p{Lu}
        return True
    members = found[2].replace("-", "")
    return not found[1] and bool(members) and all(char != char.lower() for char in members)
