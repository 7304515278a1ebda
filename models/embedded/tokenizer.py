"""The embedded model's tokenizer as an ordinary Hugging Face fast tokenizer, token for token but for capitals.

Texts are lowercased, which the original does not do: the encoder knows capitals from well-kept sentences, and reviews
begin, shout or forget them at will. A third of 29,074 Kazakh reviews has capitals after its first character; a
classifier on frozen embeddings rose from macro-F1 0.757 to 0.763, similarity to hypotheses from AUC 0.852 to 0.856.

Three things need care to give the very tokens of the original (a SentencePiece unigram model, Kudo 2018) otherwise:

- The normalisation map works on code points. It becomes a SentencePiece "precompiled" map, a double-array trie,
  because 4,800 separate replacements would be far too slow. `tokenizers` applies such a map to whole graphemes
  and forgets the rest of a short one, so graphemes are broken up first.
- Every unknown character is one ``<unk>``. `tokenizers` would fuse a run of them into one, so they are isolated.
- Pieces with capitals, and longer ones outside the scripts of this project's reviews, are dropped; ids are renumbered
  without gaps.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from .wheel_file import EmbeddedFile

METASPACE = "\u2581"
_KEPT = (
    (0x0000, 0x036F),  # ASCII, Latin and its extensions, phonetic letters, modifiers, combining accents
    (0x0400, 0x052F),  # Cyrillic
    (0x1E00, 0x1EFF),  # more Latin
    (0x2000, 0x2BFF),  # punctuation, currency, arrows, symbols, dingbats
    (0xFE00, 0xFE0F),  # emoji variation selectors
    (0x1F000, 0x1FAFF),  # emoji
)
# U+0001 is deleted by the map and always ends a grapheme. It goes before everything that could extend the grapheme
# of a mapped character; put at the very start of a text it would survive, hence the look-behind.
_GRAPHEME_EXTENDERS = r"(?<=[\s\S])(?=[^\p{L}\p{N}\p{P}\p{S}\p{Z}\p{Cc}]|[\x{FF9E}\x{FF9F}\x{0E33}\x{0EB3}])"
_GRAPHEME_BREAK = "\u0001"


def kept_pieces(pieces: Iterable[str]) -> npt.NDArray[np.int64]:
    """Choose the lower-case pieces of Latin, Cyrillic, punctuation, digits, symbols and emoji, or of one character.

    Single characters of any script stay because reviews smile with them: (ಠ_ಠ), (づ ω)づ. The special tokens are plain
    ASCII and stay too.

    Returns
    -------
    ndarray of int64, shape (kept,)
        Ids in the original table, ascending: position = new id.
    """
    allowed = {chr(code) for first, last in _KEPT for code in range(first, last + 1)} | {METASPACE}
    lower = ((i, piece) for i, piece in enumerate(pieces) if piece == piece.lower())
    return np.array([i for i, piece in lower if len(piece) == 1 or allowed.issuperset(piece)], dtype=np.int64)


def build_tokenizer(file: EmbeddedFile, kept: npt.NDArray[np.int64]) -> Tokenizer:
    """Build the tokenizer over the pieces `kept`; it adds ``<s>`` and ``</s>``.

    Parameters
    ----------
    file : EmbeddedFile
        The parsed model file.
    kept : ndarray of int64, shape (kept,)
        Ids of the original table that stay, ascending.

    Returns
    -------
    tokenizers.Tokenizer
        Without truncation and padding.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    names = special_names(file)
    vocabulary = [(file.pieces[i], float(file.scores[i])) for i in kept]
    unknown = next(i for i, (piece, _) in enumerate(vocabulary) if piece == names["unk_token"])
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=unknown, byte_fallback=False))
    parts: dict[str, Any] = {
        "normalizer": normalizers.Sequence(
            [
                normalizers.Replace(Regex(_GRAPHEME_EXTENDERS), _GRAPHEME_BREAK),
                normalizers.Precompiled(precompile(file.replacements)),
                normalizers.Lowercase(),
                normalizers.Replace(Regex(" {2,}"), " "),
            ]
        ),
        "pre_tokenizer": pre_tokenizers.Sequence(
            [
                pre_tokenizers.Metaspace(replacement=METASPACE, prepend_scheme="always"),
                pre_tokenizers.Split(Regex(_none_of(piece for piece, _ in vocabulary)), "isolated"),
            ]
        ),
        "decoder": decoders.Metaspace(replacement=METASPACE, prepend_scheme="always"),
    }
    for part, value in parts.items():
        setattr(tokenizer, part, value)
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in names.values()])
    bos, eos = names["bos_token"], names["eos_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[bos, "$A", eos],
        pair=[bos, "$A", eos, eos, "$B", eos],
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in (bos, eos)],
    )
    return tokenizer


def special_names(file: EmbeddedFile) -> dict[str, str]:
    """Map transformers' names of special tokens to their text; ``<mask>`` is the last piece."""
    roles = ("bos", "eos", "unk", "pad")
    return {f"{role}_token": file.pieces[file.specials[role]] for role in roles} | {"mask_token": file.pieces[-1]}


def precompile(replacements: Mapping[int, str]) -> bytes:
    r"""Write a code point map in SentencePiece's binary form.

    That is: u32 byte length of a double-array trie (darts-clone units), the units, and the NUL-terminated
    replacements its values point to. Every inner node gets its own block of 256 units, and every value a unit after
    all blocks: wasteful (190 kB for this map) but trivially correct.

    Parameters
    ----------
    replacements : Mapping[int, str]
        Code point to replacement, which may be empty.

    Returns
    -------
    bytes
        What `tokenizers.normalizers.Precompiled` takes.
    """
    texts = bytearray()
    root: dict[int, Any] = {}
    for codepoint in sorted(replacements):
        *path, last = chr(codepoint).encode()
        node = root
        for byte in path:
            node = node.setdefault(byte, {})
        node[last] = len(texts)
        texts += replacements[codepoint].encode() + b"\0"
    units = _double_array(root, values=len(replacements))
    return struct.pack("<I", units.nbytes) + units.tobytes() + bytes(texts)


def _double_array(root: dict[int, Any], *, values: int) -> npt.NDArray[np.uint32]:
    nodes = [root]
    for node in nodes:  # grows while it is walked: breadth first
        nodes.extend(child for child in node.values() if isinstance(child, dict))
    base = {id(node): 256 * number for number, node in enumerate(nodes, start=1)}
    free = 256 * (len(nodes) + 1)
    units = np.zeros(free + -(-values // 256) * 256, dtype="<u4")
    units[0] = base[id(root)] << 10
    for node in nodes:
        for byte, child in node.items():
            at = base[id(node)] ^ byte
            if isinstance(child, dict):
                units[at] = (at ^ base[id(child)]) << 10 | byte
            else:  # bit 8: has a value; bit 31 marks the unit that holds it
                units[at] = (at ^ free) << 10 | 1 << 8 | byte
                units[free] = child | 1 << 31
                free += 1
    return units


def _none_of(pieces: Iterable[str]) -> str:
    """Return a regular expression for one character that occurs in no piece."""
    spans: list[list[int]] = []
    for code in sorted({ord(character) for piece in pieces for character in piece}):
        if spans and code == spans[-1][1] + 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return "[^" + "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in spans) + "]"
