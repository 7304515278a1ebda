"""The vocabulary that the LSTM learns."""

from __future__ import annotations

from labeler.models.end_model.heads.subwords import learn_subwords

TEXTS = ["Бұл тауар өте жақсы! 👍👍", "Тауар   нашар...", "товар хороший 😊", "keremet tauar 5000"] * 5


def test_the_same_texts_give_the_same_vocabulary() -> None:
    first, second = learn_subwords(TEXTS), learn_subwords(TEXTS)
    assert first.backend_tokenizer.to_str() == second.backend_tokenizer.to_str()


def test_it_stays_small() -> None:
    words = [f"{a}{b}{c}лар" for a in "қазтм" for b in "аеыіу" for c in "қнрлс"]
    assert len(learn_subwords(words * 2, size=60)) == 60
    assert len(learn_subwords(words * 2)) > 60


def test_case_and_spaces_do_not_matter() -> None:
    tokenizer = learn_subwords(TEXTS)
    assert tokenizer("БҰЛ  тауар").input_ids == tokenizer("бұл Тауар").input_ids


def test_emoji_and_punctuation_are_pieces_of_their_own() -> None:
    tokenizer = learn_subwords(TEXTS)
    unknown = tokenizer.unk_token_id
    assert unknown not in tokenizer("жақсы👍!").input_ids
    assert "!" in tokenizer.tokenize("жақсы!")
    assert "👍" in tokenizer.tokenize("жақсы👍")


def test_no_text_is_empty_and_unknown_characters_are_one_piece_each() -> None:
    tokenizer = learn_subwords(TEXTS)
    start, unknown = tokenizer.bos_token_id, tokenizer.unk_token_id
    assert tokenizer("").input_ids == [start]
    assert tokenizer("ж漢字ж").input_ids.count(unknown) == 2
    assert tokenizer.pad_token_id == 0  # what sentence-transformers pads with
