import numpy as np
import polars as pl
import pytest

from labeler.data.types.soft_labels import SoftLabels
from labeler.models.training.rows.denoise import blended, denoised

PRIOR = np.array([0.3, 0.7])
WORDS = (("жаман", "нашар", "сынған", "қайтардым"), ("жақсы", "керемет", "рахмет", "ұнады"))


def reviews(n: int = 500, seed: int = 0) -> tuple[pl.Series, np.ndarray, SoftLabels]:
    """Texts of telling words, the truth, and soft labels that are wrong or unsure about a quarter of them."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) > PRIOR[0]).astype(int)
    texts = [" ".join([*rng.choice(WORDS[c], 3), f"тауар{i}"]) for i, c in enumerate(truth)]
    p = np.where(rng.random(n) < 0.25, 1 - truth, truth) * 0.8 + 0.1
    return pl.Series(texts), truth, SoftLabels(np.stack([1 - p, p], axis=1), np.ones(n, bool))


def test_what_words_mean_on_the_whole_corrects_single_labels() -> None:
    texts, truth, soft = reviews()
    before, after = (np.mean(labels.hard() == truth) for labels in (soft, denoised(texts, soft, PRIOR)))
    assert before < 0.8
    assert after > before + 0.1


def test_the_result_follows_the_class_balance() -> None:
    texts, _, soft = reviews()
    labels = denoised(texts, soft, np.array([0.4, 0.6])).hard()
    assert np.mean(labels == 0) == pytest.approx(0.4, abs=0.01)


def test_uncovered_rows_stay_uncovered_and_teach_nothing() -> None:
    texts, _, soft = reviews()
    covered = np.arange(500) % 5 > 0
    misled = np.where(covered[:, np.newaxis], soft.probs, soft.probs[:, ::-1])
    one, other = (denoised(texts, SoftLabels(probs, covered), PRIOR) for probs in (soft.probs, misled))
    assert one.covered.tolist() == covered.tolist()
    assert np.allclose(one.probs[covered], other.probs[covered], atol=0.02)


def test_equal_texts_with_equal_labels_get_equal_labels() -> None:
    texts, _, soft = reviews()
    twice = denoised(
        pl.concat([texts, texts]), SoftLabels(np.tile(soft.probs, (2, 1)), np.tile(soft.covered, 2)), PRIOR
    )
    assert np.array_equal(twice.probs[:500], twice.probs[500:])


def test_it_is_deterministic() -> None:
    texts, _, soft = reviews()
    assert np.array_equal(denoised(texts, soft, PRIOR, seed=3).probs, denoised(texts, soft, PRIOR, seed=3).probs)


def test_few_texts_are_left_alone() -> None:
    texts, _, soft = reviews(100)
    assert denoised(texts, soft, PRIOR) is soft
    repeated = SoftLabels(np.tile(soft.probs, (5, 1)), np.tile(soft.covered, 5))
    assert denoised(pl.concat([texts] * 5), repeated, PRIOR) is repeated


@pytest.mark.parametrize("text", ["", "ааа"])
def test_texts_that_say_nothing_keep_the_labels_in_order(text: str) -> None:
    _, _, soft = reviews()
    texts = pl.Series([text + chr(0x4E00 + i) for i in range(500)])
    after = denoised(texts, soft, soft.probs.mean(axis=0).astype(float))
    assert np.mean(after.hard() == soft.hard()) > 0.95


def test_texts_beyond_the_limit_get_labels_without_being_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.models.training.rows.denoise._MAX_TEXTS", 250)
    monkeypatch.setattr("labeler.models.training.rows.denoise._BLOCK", 100)
    texts, truth, soft = reviews()
    assert np.mean(denoised(texts, soft, PRIOR).hard() == truth) > np.mean(soft.hard() == truth) + 0.1


def test_a_blend_does_not_depend_on_the_scale_of_its_first_part() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(300, 3)), rng.normal(size=(300, 3))
    prior = np.array([0.2, 0.3, 0.5])
    assert np.allclose(blended(first, second, prior), blended(50 * first + 7, second, prior), atol=1e-5)
