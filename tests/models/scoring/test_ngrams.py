import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from labeler.models.scoring.ngrams import NgramFeatures

TEXTS = ["тауар жақсы", "тауар жаман", "тауар жақсы рахмет", "жаман тауар жақсы емес"]


def test_it_is_tf_idf_but_for_the_names_of_the_columns() -> None:
    ours = NgramFeatures.fit(TEXTS).transform(TEXTS)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True)
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", min_df=2, sublinear_tf=True)
    theirs = [vectorizer.fit_transform(TEXTS) for vectorizer in (characters, words)]
    assert ours.dtype == np.float32
    assert np.allclose((ours @ ours.T).toarray(), sum(part @ part.T for part in theirs).toarray(), atol=1e-5)


@pytest.mark.parametrize("texts", [["а", "б"], ["", " "]], ids=["nothing in common", "blank"])
def test_texts_without_common_n_grams_have_no_features(texts: list[str]) -> None:
    assert NgramFeatures.fit(texts).transform(texts).nnz == 0


def test_unknown_n_grams_are_ignored() -> None:
    assert NgramFeatures.fit(TEXTS).transform(["xyz"]).nnz == 0


def test_fitting_and_transforming_together_is_the_same() -> None:
    features, rows = NgramFeatures.fit_transform(TEXTS)
    assert (rows != NgramFeatures.fit(TEXTS).transform(TEXTS)).nnz == 0
    assert (rows != features.transform(TEXTS)).nnz == 0
