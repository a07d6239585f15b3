"""Amazon reviews of 400 words: mappers of text beside the published table, full protocol.

The table is that of the paper on CORAL (Sun, Feng and Saenko, AAAI 2016), which has 20 random
splits that are not public; here all source rows train and all target rows are judged. Rows say
which words occur and have length 1; the classifier is the same for all, and every mapper has its
default parameters.
"""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import Normalizer

from skransfer import SCL, SFA, MarginalizedSDA, SourceOnly
from skransfer.datasets import load_amazon_reviews

pytestmark = pytest.mark.reproduction

PAIRS = (("kitchen", "dvd"), ("dvd", "books"), ("books", "electronics"), ("electronics", "kitchen"))
PUBLISHED_SOURCE_ONLY, PUBLISHED_SCL = 76.7, 76.7  # means of the four pairs


def _mean_accuracy(make):
    scores = []
    for pair in PAIRS:
        X, y, sample_domain = load_amazon_reviews(*pair, return_X_y_domain=True)
        rows = Normalizer().transform((X > 0).astype(np.float64))
        model = make(LogisticRegression(max_iter=1000))
        model.fit(rows, y, sample_domain=sample_domain)
        target = sample_domain < 0
        scores.append(100 * model.score(rows[target], y[target]))
    return np.mean(scores)


@pytest.fixture
def source_only(real_data):
    real_data("amazon_reviews_400")
    return _mean_accuracy(SourceOnly)


def test_the_classifier_without_transfer_is_that_of_the_table(source_only):
    assert source_only == pytest.approx(PUBLISHED_SOURCE_ONLY, abs=1.0)


def test_structural_correspondence_reaches_the_published_mean(source_only):
    accuracy = _mean_accuracy(SCL)
    assert accuracy > PUBLISHED_SCL
    assert accuracy > source_only + 0.5


def test_spectral_alignment_does_not_hurt(source_only):
    assert _mean_accuracy(SFA) > source_only - 0.5


def test_denoising_helps_most(source_only):
    assert _mean_accuracy(MarginalizedSDA) > source_only + 2
