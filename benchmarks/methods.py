"""Who is run: every method in one configuration, around the estimator that the suite names.

No configuration was chosen with a target label: parameters are the package's defaults, except
where a comment gives a reason that holds on every task.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.base import is_classifier
from sklearn.cross_decomposition import PLSRegression
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.utils.validation import has_fit_parameter

import skransfer

__all__ = ["BASES", "METHODS", "Method", "build", "make_base", "obstacle"]

BOTH = ("classification", "regression")

# Estimators that the methods wrap, by kind of task.
BASES = {
    "linear": {
        "classification": lambda: LogisticRegression(max_iter=1000),
        "regression": lambda: Ridge(),
    },
    # For standardized bags of words: as many features as rows need a strong penalty.
    "linear-strong": {
        "classification": lambda: LogisticRegression(C=0.001, max_iter=1000),
        "regression": lambda: Ridge(alpha=1000),
    },
    "svm": {
        "classification": lambda: SVC(kernel="linear"),
        "regression": lambda: SVR(kernel="linear"),
    },
    "nn": {
        "classification": lambda: KNeighborsClassifier(1),
        "regression": lambda: KNeighborsRegressor(5),
    },
    "pls": {"regression": lambda: PLSRegression(8)},
}


@dataclass(frozen=True)
class Method:
    """One row of the table.

    Attributes
    ----------
    name : str
        Name in the table and for ``--methods``.
    make : callable
        ``make(base, seed)`` returns the unfitted estimator around the unfitted ``base``.
    uses_labels : {"none", "some", "required"}
        What the method does with labeled target rows.
    weighs : bool
        Whether it hands ``sample_weight`` to the wrapped estimator.
    kinds : tuple of str
        Kinds of task that it can run on.
    counts : bool
        Whether it needs counts, which no task here has: features are standardized or normalized.
    """

    name: str
    make: Callable[[Any, int], Any]
    uses_labels: str = "none"
    weighs: bool = False
    kinds: tuple[str, ...] = BOTH
    counts: bool = False


def _kmm(base, seed):
    # The ridge spreads the weight over similar rows; without it a smooth kernel leaves a few rows
    # with all of it (docs/decisions/0006, where no target label is used).
    return skransfer.KMM(base, alpha=0.1)


def _tca(base, seed):
    # The scale of the components depends on the number of rows; a penalized model on top of them
    # would be penalized more the more rows there are.
    return skransfer.TCA(make_pipeline(StandardScaler(), base), random_state=seed)


def _components(mapper):
    # As for TCA: components are large or small as the rows are many or few.
    return lambda base, seed: mapper(make_pipeline(StandardScaler(), base))


def _easy_adapt_plus(base, seed):
    # It needs a linear model whose intercept can be left out, whatever the suite's estimator is.
    linear = LogisticRegression(max_iter=1000) if is_classifier(base) else Ridge()
    return skransfer.EasyAdaptPlus(linear)


def _sstca(base, seed):
    # The exact problem takes n^3; landmarks make the one with 1800 rows a matter of a second.
    features = Nystroem(n_components=300, random_state=seed)
    return skransfer.SSTCA(make_pipeline(StandardScaler(), base), feature_map=features)


def _booster(name, cls, kind):
    """A method that boosts weighted fits of the base on rows of both domains."""

    def make(base, seed):
        return getattr(skransfer, cls)(base, random_state=seed)

    return Method(name, make, "required", weighs=True, kinds=(kind,))


def _reuse(name, cls, kind, seeded=False):
    """A method that starts from a source model of its own kind, whatever the base."""

    def make(base, seed):
        return getattr(skransfer, cls)(**({"random_state": seed} if seeded else {}))

    return Method(name, make, "required", kinds=(kind,))


METHODS = {
    method.name: method
    for method in (
        Method("SourceOnly", lambda base, seed: skransfer.SourceOnly(base)),
        Method("TargetOnly", lambda base, seed: skransfer.TargetOnly(base), "required"),
        Method("Pooled", lambda base, seed: skransfer.Pooled(base), "required"),
        Method("KMM", _kmm, weighs=True),
        Method("ULSIF", lambda base, seed: skransfer.ULSIF(base), weighs=True),
        Method("RULSIF", lambda base, seed: skransfer.RULSIF(base), weighs=True),
        Method("KLIEP", lambda base, seed: skransfer.KLIEP(base), weighs=True),
        # In 64 features a ratio of densities rests on a few rows: the largest exponent that
        # leaves a tenth of them, a rule that sees no label.
        Method(
            "DiscriminativeReweighting",
            lambda base, seed: skransfer.DiscriminativeReweighting(base, flatten="auto"),
            weighs=True,
        ),
        Method(
            "GaussianReweighting",
            lambda base, seed: skransfer.GaussianReweighting(base, flatten="auto"),
            weighs=True,
        ),
        Method(
            "KDEReweighting",
            lambda base, seed: skransfer.KDEReweighting(base, flatten="auto"),
            weighs=True,
        ),
        Method(
            "NearestNeighborReweighting",
            lambda base, seed: skransfer.NearestNeighborReweighting(base),
            weighs=True,
        ),
        Method("TarS", lambda base, seed: skransfer.TarS(base), weighs=True),
        Method(
            "BalancedWeighting",
            lambda base, seed: skransfer.BalancedWeighting(base),
            "required",
            weighs=True,
        ),
        Method(
            "SelfLabeling",
            lambda base, seed: skransfer.SelfLabeling(base),
            weighs=True,
            kinds=("classification",),
        ),
        Method(
            "DASVM",
            lambda base, seed: skransfer.DASVM(base),
            weighs=True,
            kinds=("classification",),
        ),
        Method("TCA", _tca),
        Method("JDA", _components(skransfer.JDA), kinds=("classification",)),
        Method("BDA", _components(skransfer.BDA), kinds=("classification",)),
        Method("WBDA", _components(skransfer.WBDA), kinds=("classification",)),
        Method("TransferJointMatching", _components(skransfer.TransferJointMatching)),
        Method("SSTCA", _sstca),
        Method("MIDA", _components(skransfer.MIDA)),
        Method("SMIDA", _components(skransfer.SMIDA)),
        Method("CORAL", lambda base, seed: skransfer.CORAL(base)),
        Method("SubspaceAlignment", lambda base, seed: skransfer.SubspaceAlignment(base)),
        Method("GFK", lambda base, seed: skransfer.GFK(base)),
        Method("JGSA", lambda base, seed: skransfer.JGSA(base), kinds=("classification",)),
        Method("MEDA", lambda base, seed: skransfer.MEDA(), kinds=("classification",)),
        Method("EasyTL", lambda base, seed: skransfer.EasyTL(), kinds=("classification",)),
        Method("MomentAlignment", lambda base, seed: skransfer.MomentAlignment(base)),
        Method("LinearMonge", lambda base, seed: skransfer.LinearMonge(base)),
        Method("OTMapping", lambda base, seed: skransfer.OTMapping(base)),
        Method(
            "OTLabelPropagation",
            lambda base, seed: skransfer.OTLabelPropagation(),
            kinds=("classification",),
        ),
        Method(
            "OTLabelPropagationRegressor",
            lambda base, seed: skransfer.OTLabelPropagationRegressor(),
            kinds=("regression",),
        ),
        Method("EasyAdapt", lambda base, seed: skransfer.EasyAdapt(base), "required"),
        Method("EasyAdaptPlus", _easy_adapt_plus, "required"),
        Method("PRED", lambda base, seed: skransfer.PRED(base), "required"),
        Method(
            "JDOT",
            lambda base, seed: skransfer.JDOTClassifier(base),
            weighs=True,
            kinds=("classification",),
        ),
        Method(
            "JDOTRegressor",
            lambda base, seed: skransfer.JDOTRegressor(base),
            kinds=("regression",),
        ),
        Method("InvariantFeatures", lambda base, seed: skransfer.InvariantFeatureSelector(base)),
        Method("SCL", lambda base, seed: skransfer.SCL(base)),
        Method("SFA", lambda base, seed: skransfer.SFA(base)),
        Method("MarginalizedSDA", lambda base, seed: skransfer.MarginalizedSDA(base)),
        _booster("TrAdaBoost", "TrAdaBoostClassifier", "classification"),
        _booster("TrAdaBoostR2", "TrAdaBoostRegressor", "regression"),
        _booster("TwoStageTrAdaBoostR2", "TwoStageTrAdaBoostRegressor", "regression"),
        _booster("MultiSourceTrAdaBoost", "MultiSourceTrAdaBoostClassifier", "classification"),
        _booster("TaskTrAdaBoost", "TaskTrAdaBoostClassifier", "classification"),
        _reuse("LogisticTransfer", "LogisticTransfer", "classification"),
        _reuse("AdaptiveSVC", "AdaptiveSVC", "classification"),
        _reuse("GreedyTransferClassifier", "GreedyTransferClassifier", "classification"),
        _reuse("GreedyTransferRegressor", "GreedyTransferRegressor", "regression"),
        _reuse("HypothesisTransferClassifier", "HypothesisTransferClassifier", "classification"),
        _reuse("HypothesisTransferRegressor", "HypothesisTransferRegressor", "regression"),
        _reuse("ModelZooClassifier", "ModelZooClassifier", "classification"),
        _reuse("ModelZooRegressor", "ModelZooRegressor", "regression"),
        _reuse("PMTSVC", "PMTSVC", "classification"),
        _reuse("TransferTree", "TransferTreeClassifier", "classification", seeded=True),
        _reuse("TransferTreeRegressor", "TransferTreeRegressor", "regression", seeded=True),
        _reuse("TransferForest", "TransferForestClassifier", "classification", seeded=True),
        _reuse("TransferForestRegressor", "TransferForestRegressor", "regression", seeded=True),
        _reuse("MLPFineTune", "MLPFineTuneClassifier", "classification", seeded=True),
        _reuse("MLPFineTuneRegressor", "MLPFineTuneRegressor", "regression", seeded=True),
        _reuse("AffineTransfer", "AffineTransferClassifier", "classification"),
        _reuse("AffineTransferRegressor", "AffineTransferRegressor", "regression"),
        _reuse("OffsetBoosting", "OffsetBoostingClassifier", "classification", seeded=True),
        _reuse("OffsetBoostingRegressor", "OffsetBoostingRegressor", "regression", seeded=True),
        Method(
            "LinearInterpolation",
            lambda base, seed: skransfer.LinearInterpolationClassifier(base),
            "required",
            kinds=("classification",),
        ),
        Method(
            "LinearInterpolationRegressor",
            lambda base, seed: skransfer.LinearInterpolationRegressor(base),
            "required",
            kinds=("regression",),
        ),
        # Around the suite's estimator the cost is that of the labeled target rows; without it, that
        # of a Gaussian process of all source rows.
        Method(
            "TransferGP",
            lambda base, seed: skransfer.TransferGPRegressor(source=base, random_state=seed),
            "required",
            kinds=("regression",),
        ),
        _reuse("GaussianNBTransfer", "GaussianNBTransfer", "classification"),
        Method(
            "MultinomialNBTransfer",
            lambda base, seed: skransfer.MultinomialNBTransfer(),
            "required",
            kinds=("classification",),
            counts=True,
        ),
        Method(
            "NBTC",
            lambda base, seed: skransfer.NBTC(),
            kinds=("classification",),
            counts=True,
        ),
        _reuse("HuberTransfer", "HuberTransfer", "regression"),
        Method(
            "PoissonTransfer",
            lambda base, seed: skransfer.PoissonTransfer(),
            "required",
            kinds=("regression",),
            counts=True,
        ),
        _reuse("RidgeTransfer", "RidgeTransfer", "regression"),
    )
}


def make_base(name, kind):
    """The unfitted estimator called ``name`` for a kind of task.

    Raises
    ------
    ValueError
        There is none.
    """
    if kind not in BASES[name]:
        raise ValueError(f"There is no base estimator {name!r} for {kind}")
    return BASES[name][kind]()


def build(method, task, base, seed):
    """The unfitted estimator, behind the task's transformers.

    Parameters
    ----------
    method : Method
        What is run.
    task : Task
        Where.
    base : str
        Key of ``BASES``.
    seed : int
        Seed of what is random in the method.
    """
    estimator = method.make(make_base(base, task.kind), seed)
    steps = task.steps()
    return make_pipeline(*steps, estimator) if steps else estimator


def obstacle(method, task, base):
    """Why a method cannot run on a task, or None.

    Parameters
    ----------
    method : Method
        What is to run.
    task : Task
        Where.
    base : str
        Key of ``BASES``.
    """
    if task.kind not in method.kinds:
        return f"{method.name} does {' and '.join(method.kinds)} only"
    if task.kind not in BASES[base]:
        return f"the base estimator {base!r} does no {task.kind}"
    if method.counts:
        return "needs counts; features of the task are standardized or normalized, labels no counts"
    if method.uses_labels == "required" and not task.few_labels:
        return "needs labeled target rows; the task shows none"
    if method.weighs:
        estimator = make_base(base, task.kind)
        if not has_fit_parameter(estimator, "sample_weight"):
            return f"{type(estimator).__name__} takes no sample_weight"
    return None
