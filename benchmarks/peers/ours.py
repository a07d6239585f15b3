"""Our side of the comparison: the same protocol as `benchmarks.peers.worker`."""

import sys
import warnings

import numpy as np

from benchmarks.peers.worker import serve
from skransfer import (
    CORAL,
    KLIEP,
    KMM,
    RULSIF,
    TCA,
    ULSIF,
    DiscriminativeReweighting,
    GaussianReweighting,
    KDEReweighting,
    LinearMonge,
    NearestNeighborReweighting,
)
from skransfer.exceptions import EffectiveSampleSizeWarning

__all__ = ["CONTENDERS"]


def _stacked(Xs, Xt):
    return np.concatenate([Xs, Xt]), np.repeat([0, -1], [len(Xs), len(Xt)])


def _tca(Xs, Xt, options):
    X, sample_domain = _stacked(Xs, Xt)
    model = TCA(
        n_components=options["n_components"],
        gamma=options["gamma"],
        alpha=options["alpha"],
        random_state=0,
    )

    def call():
        return model.fit_transform(X, sample_domain=sample_domain)

    return call, lambda found: {"W": model.dual_coef_, "source": found[: len(Xs)]}


def _kmm(Xs, Xt, options):
    X, sample_domain = _stacked(Xs, Xt)
    model = KMM(
        gamma=options["gamma"],
        max_weight=options["max_weight"],
        epsilon=options["epsilon"],
        tol=options["tol"],
    )

    def call():
        return model.fit(X, sample_domain=sample_domain)

    return call, lambda found: {"weights": found.weights_}


def _reweighter(cls):
    def make(Xs, Xt, options):
        X, sample_domain = _stacked(Xs, Xt)
        model = cls()

        def call():
            return model.fit(X, sample_domain=sample_domain)

        return call, lambda found: {"weights": found.weights_}

    return make


def _mapper(cls):
    def make(Xs, Xt, options):
        X, sample_domain = _stacked(Xs, Xt)
        model = cls(alpha=options["alpha"])

        def call():
            return model.fit_transform(X, sample_domain=sample_domain)

        return call, lambda found: {"source": found[: len(Xs)]}

    return make


CONTENDERS = {
    "our-tca": _tca,
    "our-kmm": _kmm,
    "our-coral": _mapper(CORAL),
    "our-monge": _mapper(LinearMonge),
    "our-ulsif": _reweighter(ULSIF),
    "our-rulsif": _reweighter(RULSIF),
    "our-kliep": _reweighter(KLIEP),
    "our-discriminative": _reweighter(DiscriminativeReweighting),
    "our-gaussian": _reweighter(GaussianReweighting),
    "our-kde": _reweighter(KDEReweighting),
    "our-neighbors": _reweighter(NearestNeighborReweighting),
}

if __name__ == "__main__":
    # That few rows carry the weight is a fact of the data, and in the table.
    warnings.simplefilter("ignore", EffectiveSampleSizeWarning)
    serve(sys.argv[1], CONTENDERS)
