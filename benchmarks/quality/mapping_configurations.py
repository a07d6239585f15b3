"""Feature mappings as they are compared with published tables, by suite.

One configuration of each method for all tasks of a suite: the paper's, or that of its public
program. Where the mapped rows are scaled to length 1 in front of the classifier, the public
programs of that method do it.
"""

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import SVC

import skransfer as sk
from benchmarks.quality.comparison import Configuration
from skransfer.model_selection import SourceKFold

__all__ = ["CONFIGURATIONS"]

GRID = [0.001, 0.01, 0.1, 1.0]


def _nn():
    return KNeighborsClassifier(1)


def _unit_nn():
    return make_pipeline(Normalizer(), KNeighborsClassifier(1))


def _svm(seed):
    """C by two-fold cross-validation on the rows that it is fitted on: the source."""
    folds = StratifiedKFold(2, shuffle=True, random_state=seed)
    return GridSearchCV(SVC(kernel="linear"), {"C": GRID}, cv=folds)


def _behind_units(method):
    """Rows of length 1 in front."""
    return make_pipeline(Normalizer(), method)


def _linear_svm():
    return SVC(kernel="linear")


# What stands behind components, and how it is called.
BEHIND = {"1NN": _unit_nn, "linear SVM": _linear_svm}


def _components(name, words, cls, columns, base="1NN", units=False, **settings):
    """A configuration of components of a linear kernel; ``units``: rows of length 1 in front."""
    shown = [
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value!r}"
        for key, value in settings.items()
    ]

    def make(seed):
        method = cls(BEHIND[base](), kernel="linear", **settings)
        return _behind_units(method) if units else method

    text = f'`{cls.__name__}({base}, kernel="linear", {", ".join(shown)})`{words}'
    return Configuration(name, text, make, columns)


OURS_AND_THEIRS = ", rows of length 1 before and after the map"
NEAREST = Configuration("1NN", "`SourceOnly(1NN)`", lambda seed: sk.SourceOnly(_nn()), ("NN",))

OFFICE = (
    NEAREST,
    _components(
        "TCA",
        OURS_AND_THEIRS,
        sk.TCA,
        ("TCA (JDA paper)", "TCA (MEDA paper)"),
        units=True,
        n_components=20,
    ),
    Configuration(
        "GFK, 20 axes",
        "`GFK(1NN, n_components=20)`",
        lambda seed: sk.GFK(_nn(), n_components=20),
        ("GFK (JDA paper)", "GFK (MEDA paper)"),
    ),
    Configuration(
        "GFK, axes by disagreement",
        '`GFK(1NN, n_components="auto")`',
        lambda seed: sk.GFK(_nn(), n_components="auto"),
    ),
    _components(
        "JDA",
        OURS_AND_THEIRS,
        sk.JDA,
        ("JDA (JDA paper)", "JDA (MEDA paper)"),
        units=True,
        n_components=100,
        alpha=1.0,
    ),
    _components(
        "JDA, the programs' M",
        f"{OURS_AND_THEIRS}: M_0 counts 10-fold, as in the authors' programs",
        sk.BDA,
        (),
        units=True,
        n_components=100,
        alpha=1.0,
        balance=1 / 11,
    ),
    _components("BDA", OURS_AND_THEIRS, sk.BDA, (), units=True, n_components=100, alpha=1.0),
    _components("WBDA", OURS_AND_THEIRS, sk.WBDA, (), units=True, n_components=100, alpha=1.0),
    _components(
        "TJM",
        OURS_AND_THEIRS,
        sk.TransferJointMatching,
        ("TJM",),
        units=True,
        n_components=20,
        alpha=1.0,
    ),
    Configuration(
        "JGSA",
        "`JGSA(1NN)`, rows of length 1 in front",
        lambda seed: _behind_units(sk.JGSA(_nn())),
        ("JGSA",),
    ),
    Configuration("MEDA", "`MEDA()`", lambda seed: sk.MEDA(), ("MEDA",)),
    Configuration(
        "EasyTL, not aligned",
        "`EasyTL(alignment=None)`",
        lambda seed: sk.EasyTL(alignment=None),
        ("EasyTL(c)",),
    ),
    Configuration("EasyTL", "`EasyTL()`", lambda seed: sk.EasyTL(), ("EasyTL",)),
    Configuration(
        "OT, entropic", "`OTMapping(1NN)`", lambda seed: sk.OTMapping(_nn())
    ),
    Configuration(
        "OT, class-regularized",
        '`OTMapping(1NN, regularization="class")`',
        lambda seed: sk.OTMapping(_nn(), regularization="class"),
    ),
    Configuration(
        "SA, SVM",
        "`SubspaceAlignment(linear SVM)`, its number of axes (10, 20, 40, 80) and C (0.001, 0.01, "
        "0.1) by `SourceKFold(2)`, which judges source rows alone",
        lambda seed: GridSearchCV(
            sk.SubspaceAlignment(SVC(kernel="linear")),
            {"n_components": [10, 20, 40, 80], "estimator__C": [1e-3, 1e-2, 1e-1]},
            cv=SourceKFold(2, shuffle=True, random_state=seed),
        ),
        ("SA (SVM)",),
        random=True,
    ),
    Configuration(
        "SA, SVM, 20 axes",
        "`SubspaceAlignment(linear SVM, n_components=20)`, C (0.001 to 1) chosen on mapped source "
        "rows",
        lambda seed: sk.SubspaceAlignment(_svm(seed), n_components=20),
        random=True,
    ),
    Configuration(
        "GFK, SVM",
        "`GFK(linear SVM, n_components=20)`, C (0.001 to 1) chosen on mapped source rows",
        lambda seed: sk.GFK(_svm(seed), n_components=20),
        ("GFK (SVM)",),
        random=True,
    ),
    Configuration(
        "CORAL, SVM",
        "`CORAL(linear SVM)`, C (0.001 to 1) chosen on mapped source rows",
        lambda seed: sk.CORAL(_svm(seed)),
        ("CORAL (SVM)",),
        random=True,
    ),
)  # fmt: skip


def _images(n_classes):
    """The two suites of images; rows have length 1 there already, as the papers have them."""
    primal = {"n_components": 100, "alpha": 0.1, "penalty": "primal"}
    return (
        NEAREST,
        _components("TCA", ": `max_iter=1` is TCA", sk.JDA, ("TCA",), max_iter=1, **primal),
        _components("JDA", ": M_0 once, as the paper writes", sk.JDA, ("JDA",), **primal),
        _components(
            "JDA, the programs' M",
            f": M_0 counts {n_classes}-fold, as in the authors' programs",
            sk.BDA,
            ("JDA",),
            balance=1 / (n_classes + 1),
            **primal,
        ),
        _components(
            "JDA, dual penalty",
            ": the problem that the paper writes",
            sk.JDA,
            (),
            n_components=100,
            alpha=0.1,
        ),
        _components("BDA", "", sk.BDA, (), **primal),
    )


_GFK_UNCENTERED = Configuration(
    "GFK",
    "`GFK(1NN, n_components=100, with_centering=False)`",
    lambda seed: sk.GFK(_nn(), n_components=100, with_centering=False),
    ("GFK",),
)
DIGITS = (
    *_images(10),
    _GFK_UNCENTERED,
    Configuration(
        "JGSA",
        "`JGSA(1NN, n_components=100, beta=0.01)`",
        lambda seed: sk.JGSA(_nn(), n_components=100, beta=0.01),
        ("JGSA",),
    ),
    Configuration("MEDA", "`MEDA()`", lambda seed: sk.MEDA(), ("MEDA",)),
)
COIL = (*_images(20), _GFK_UNCENTERED)


def _logistic():
    return LogisticRegression(C=0.001, max_iter=1000)


AMAZON = (
    Configuration(
        "source only", "`SourceOnly(logistic regression, C = 0.001)`",
        lambda seed: sk.SourceOnly(_logistic()),
    ),
    Configuration(
        "EasyTL, not aligned", "`EasyTL(alignment=None)`",
        lambda seed: sk.EasyTL(alignment=None), ("EasyTL(c)",),
    ),
    Configuration("EasyTL", "`EasyTL()`", lambda seed: sk.EasyTL(), ("EasyTL",)),
    Configuration(
        "CORAL", "`CORAL(logistic regression)`", lambda seed: sk.CORAL(_logistic())
    ),
    Configuration("MEDA", "`MEDA()`", lambda seed: sk.MEDA()),
    _components(
        "JDA", ", rows of length 1 in front", sk.JDA, (),
        base="linear SVM", units=True, n_components=100, alpha=1.0,
    ),
    *(
        Configuration(
            cls.__name__, f"`{cls.__name__}(logistic regression)`",
            lambda seed, cls=cls: cls(_logistic()),
        )
        for cls in (sk.SCL, sk.SFA, sk.MarginalizedSDA)
    ),
)  # fmt: skip


AMAZON_FOUR = (
    Configuration(
        "source only", "`SourceOnly(logistic regression, C = 0.001)`",
        lambda seed: sk.SourceOnly(_logistic()), ("no adaptation",),
    ),
    *(
        Configuration(
            name, f"`{cls.__name__}(logistic regression{more})`",
            lambda seed, cls=cls, settings=settings: cls(_logistic(), **settings), (name,),
        )
        for name, cls, more, settings in (
            ("SA", sk.SubspaceAlignment, ", n_components=100", {"n_components": 100}),
            ("GFK", sk.GFK, ", n_components=100", {"n_components": 100}),
            ("SCL", sk.SCL, "", {}),
            ("CORAL", sk.CORAL, "", {}),
        )
    ),
    _components(
        "TCA", ", rows of length 1 in front", sk.TCA, ("TCA",), "linear SVM", units=True,
        n_components=100, alpha=1.0,
    ),
)  # fmt: skip
REUTERS = (
    Configuration(
        "source only", "`SourceOnly(linear SVM)`",
        lambda seed: sk.SourceOnly(_linear_svm()), ("SVM",),
    ),
    _components("TCA", "", sk.TCA, ("TCA",), "linear SVM", n_components=100, alpha=1.0),
    _components("JDA", "", sk.JDA, ("JDA",), "linear SVM", n_components=100, alpha=1.0),
    Configuration(
        "GFK", "`GFK(linear SVM, n_components=20)`",
        lambda seed: sk.GFK(_linear_svm(), n_components=20), ("GFK",),
    ),
    Configuration(
        "SA", "`SubspaceAlignment(linear SVM, n_components=20)`",
        lambda seed: sk.SubspaceAlignment(_linear_svm(), n_components=20),
    ),
    Configuration("EasyTL", "`EasyTL()`", lambda seed: sk.EasyTL()),
    *(
        Configuration(
            cls.__name__, f"`{cls.__name__}(linear SVM)`", lambda seed, cls=cls: cls(_linear_svm())
        )
        for cls in (sk.SCL, sk.SFA, sk.MarginalizedSDA)
    ),
)  # fmt: skip
CONFIGURATIONS = {
    "office_caltech10": OFFICE,
    "digits": DIGITS,
    "coil20": COIL,
    "amazon_reviews": AMAZON,
    "amazon_four": AMAZON_FOUR,
    "reuters": REUTERS,
}
