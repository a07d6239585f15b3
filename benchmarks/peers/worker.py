"""One call of one peer: run it, measure it, write what it returned.

This file runs as a script under the Python of the peers' environment, which has no skransfer, so
it imports NumPy and the peer alone. The folder that its argument names holds ``rows.npz`` (Xs, Xt)
and ``job.json``; ``arrays.npz`` and ``report.json`` are written beside them.
"""

import ctypes
import gc
import json
import os
import resource
import sys
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

__all__ = ["CONTENDERS", "measure", "serve"]

_PACKAGES = ("adapt", "skada", "POT", "numpy", "scipy", "scikit-learn", "cvxopt")


# ---------------------------------------------------------------------------------- the protocol


def serve(folder, contenders):
    """Do the job that lies in a folder.

    Parameters
    ----------
    folder : path-like
        Holds ``rows.npz`` and ``job.json``: the key of the contender, its options, ``warm_rows``
        (rows of each domain in a small call before, which is not measured), ``repeat`` and
        ``long`` as in `measure`.
    contenders : dict of str to callable
        ``make(Xs, Xt, options)`` returns the call to measure and a function that names the arrays
        of what the call returned.
    """
    folder = Path(folder)
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    with np.load(folder / "rows.npz") as rows:
        Xs, Xt = rows["Xs"], rows["Xt"]
    make, few = contenders[job["contender"]], job["warm_rows"]
    make(Xs[:few].copy(), Xt[:few].copy(), job["options"])[0]()  # lazy imports, compilation, pools
    call, arrays = make(Xs, Xt, job["options"])
    found, seconds, peak = measure(call, job["repeat"], job["long"])
    np.savez(folder / "arrays.npz", **arrays(found))
    report = {"seconds": seconds, "peak": peak, "versions": _versions()}
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


def measure(call, repeat, long):
    """Time a call, and how far memory rose above what was held before.

    Parameters
    ----------
    call : callable
        Takes nothing.
    repeat : int
        Times to call it after the first call. That one gives the memory, and the time as well if
        ``repeat`` is 0 or the call is a long one.
    long : float
        Seconds above which the first call remains the only one.

    Returns
    -------
    found : object
        What the first call returned.
    seconds : list of float
        One time a call.
    peak : int
        Bytes.
    """
    before = _start_peak()
    found, first = _timed(call)
    peak = max(_peak() - before, 0)
    if repeat < 1 or first > long:
        return found, [first], peak
    return found, [_timed(call)[1] for _ in range(repeat)], peak


def _timed(call):
    start = time.perf_counter()
    found = call()
    return found, time.perf_counter() - start


def _start_peak():
    """Forget the high-water mark of what came before, where the system lets us; bytes held now."""
    gc.collect()
    with suppress(OSError, AttributeError):
        # Memory that the small call freed, and malloc kept, would hide as much growth.
        ctypes.CDLL(None).malloc_trim(0)
    with suppress(OSError):  # elsewhere the mark stands: growth below it goes unseen
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak()


def _peak():
    """High-water mark of resident memory in bytes."""
    # ru_maxrss survives exec, so it may be that of the process which started this one.
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _versions():
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


# ------------------------------------------------------------------------------------- the peers


def _stacked(Xs, Xt):
    """Rows and domains as skada takes them: positive is source, negative is target."""
    sample_domain = np.repeat([1, -2], [len(Xs), len(Xt)])
    return np.concatenate([Xs, Xt]), sample_domain


def _adapt_tca(Xs, Xt, options):
    from adapt.feature_based import TCA

    # The matrix is (I + mu K L K)^-1 K H K: our alpha is 1 / mu.
    model = TCA(
        n_components=options["n_components"],
        mu=1 / options["alpha"],
        kernel="rbf",
        gamma=options["gamma"],
        verbose=0,
    )

    def call():
        return model.fit_transform(Xs, Xt)

    return call, lambda found: {"W": model.vectors_, "source": found}


def _skada_tca(Xs, Xt, options):
    # No parameter of the kernel can be given: gamma is 1 / n_features.
    if not np.isclose(options["gamma"], 1 / Xs.shape[1]):
        raise ValueError("skada's TCA has gamma = 1 / n_features only")
    from skada._subspace import TransferComponentAnalysisAdapter

    X, sample_domain = _stacked(Xs, Xt)
    model = TransferComponentAnalysisAdapter(
        kernel="rbf", n_components=options["n_components"], mu=1 / options["alpha"]
    )

    def call():
        return model.fit_transform(X, sample_domain=sample_domain)

    return call, lambda found: {"W": model.eigvects_, "source": found[: len(Xs)]}


def _adapt_kmm(Xs, Xt, options):
    from adapt.instance_based import KMM

    # Above max_size the rows are split into batches, which is another problem.
    model = KMM(
        kernel="rbf",
        gamma=options["gamma"],
        B=options["max_weight"],
        eps=options["epsilon"],
        max_size=len(Xs) + 1,
        verbose=0,
    )

    def call():
        return model.fit_weights(Xs, Xt)

    return call, lambda found: {"weights": found}


def _skada_kmm(Xs, Xt, options):
    from skada._reweight import KMMReweightAdapter

    X, sample_domain = _stacked(Xs, Xt)
    model = KMMReweightAdapter(
        kernel="rbf",
        gamma=options["gamma"],
        B=options["max_weight"],
        eps=options["epsilon"],
        solver=options["solver"],
    )

    def call():
        return model.fit(X, sample_domain=sample_domain)

    return call, lambda found: {"weights": found.source_weights_}


def _adapt_coral(Xs, Xt, options):
    from adapt.feature_based import CORAL

    model = CORAL(lambda_=options["alpha"], verbose=0)

    def call():
        return model.fit_transform(Xs, Xt)

    return call, lambda found: {"source": found}


def _skada_coral(Xs, Xt, options):
    # Its `reg` is the share of a shrinkage, not a ridge; at 0 the two are the same.
    if options["alpha"] != 0:
        raise ValueError("skada's CORAL has no ridge")
    from skada._mapping import CORALAdapter

    X, sample_domain = _stacked(Xs, Xt)
    model = CORALAdapter(reg=None)

    def call():
        return model.fit_transform(X, sample_domain=sample_domain)

    return call, lambda found: {"source": found[: len(Xs)]}


def _pot_monge(Xs, Xt, options):
    from ot.da import LinearTransport

    model = LinearTransport(reg=options["alpha"])

    def call():
        return model.fit(Xs=Xs, Xt=Xt).transform(Xs=Xs)

    return call, lambda found: {"source": found}


# ------------------------------------------------------------------------------- density ratios


def _grid(Xs, Xt, options):
    """Widths around the median heuristic, and penalties, as many as asked for."""
    X = np.concatenate([Xs, Xt])[:: max(1, 2 * len(Xs) // 1000)]
    squares = np.sum((X[:, None] - X) ** 2, axis=2)[np.triu_indices(len(X), 1)]
    gammas = [float(2.0**k / np.median(squares)) for k in range(-4, options["widths"] - 4)]
    return gammas, [float(a) for a in np.logspace(1, -3, options["penalties"])]


def _adapt_ratio(name, **settings):
    def make(Xs, Xt, options):
        import adapt.instance_based as methods

        given = dict(settings)
        if "widths" in options:
            gammas, penalties = _grid(Xs, Xt, options)
            given["gamma"] = gammas
            if "solver" not in options:
                given["lambdas"] = penalties
        if "solver" in options:
            given["algo"] = options["solver"]
        model = getattr(methods, name)(verbose=0, random_state=0, **given)

        def call():
            return model.fit_weights(Xs, Xt)

        return call, lambda found: {"weights": np.ravel(found)}

    return make


def _skada_ratio(name, **settings):
    def make(Xs, Xt, options):
        import skada._reweight as methods

        X, sample_domain = _stacked(Xs, Xt)
        given = dict(settings)
        if "widths" in options:
            given["gamma"] = _grid(Xs, Xt, options)[0]

        def call():
            model = getattr(methods, name)(**given)  # it overwrites its own parameters in fit
            return model.fit_transform(X, sample_domain=sample_domain)

        def weights(found):
            return {"weights": np.asarray(found[1]["sample_weight"])[: len(Xs)]}

        return call, weights

    return make


CONTENDERS = {
    "adapt-tca": _adapt_tca,
    "skada-tca": _skada_tca,
    "adapt-kmm": _adapt_kmm,
    "skada-kmm": _skada_kmm,
    "adapt-coral": _adapt_coral,
    "skada-coral": _skada_coral,
    "pot-monge": _pot_monge,
    "adapt-ulsif": _adapt_ratio("ULSIF"),
    "adapt-rulsif": _adapt_ratio("RULSIF"),
    "adapt-kliep": _adapt_ratio("KLIEP"),
    "adapt-discriminative": _adapt_ratio("IWC"),
    "adapt-neighbors": _adapt_ratio("NearestNeighborsWeighting"),
    "skada-kliep": _skada_ratio("KLIEPReweightAdapter", random_state=0),
    "skada-discriminative": _skada_ratio("DiscriminatorReweightAdapter"),
    "skada-gaussian": _skada_ratio("GaussianReweightAdapter"),
    "skada-kde": _skada_ratio("DensityReweightAdapter"),
    "skada-neighbors": _skada_ratio("NearestNeighborReweightAdapter", laplace_smoothing=True),
}

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # ADAPT imports TensorFlow
    serve(sys.argv[1], CONTENDERS)
