"""Answers on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.data.errors import ModelError
from labeler.models.chat.answer_cache import CachedAnswer, answer_key, open_answers

ABOUT = {"model": "m", "base_url": "u", "prompt": "p"}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELER_CACHE", str(tmp_path / "cache"))


def test_answers_are_found_again() -> None:
    keys = [answer_key(str(i), **ABOUT) for i in range(1200)]
    with open_answers() as cache:
        cache.put({key: CachedAnswer("yes" if i % 2 else None, 1.5, 0.5) for i, key in enumerate(keys[:1100])})
    with open_answers() as cache:
        found = cache.get(keys)
    assert len(found) == 1100
    assert (found[keys[0]], found[keys[1]]) == (CachedAnswer(None, 1.5, 0.5), CachedAnswer("yes", 1.5, 0.5))


def test_everything_an_answer_depends_on_is_in_its_key() -> None:
    keys = {answer_key("t", **ABOUT), answer_key("u", **ABOUT)}
    keys |= {answer_key("t", **{**ABOUT, name: "other"}) for name in ABOUT}
    keys.add(answer_key("pt", **{**ABOUT, "prompt": ""}))
    assert len(keys) == 6


def test_damaged_answers_are_reported_and_not_thrown_away(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "answers.sqlite"
    file.parent.mkdir()
    file.write_bytes(b"not a database at all" * 100)
    with pytest.raises(ModelError, match=r"answers\.sqlite cannot be used: file is not a database"), open_answers():
        pass
    assert file.read_bytes().startswith(b"not a database")
