"""Draw the pictures of ``which-mapping.md``: ``python docs/guide/mapping_pictures.py``."""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skransfer as sk
from skransfer.inspection import plot_embedding

IMAGES = Path(__file__).parents[1] / "images"
SOURCE, TARGET, BEFORE = "#0072B2", "#E69F00", "#777777"
COLORS = ("#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#111111", "#0072B2", "#E69F00")

BASE = make_pipeline(StandardScaler(), LogisticRegression())
SOURCE_ONLY = sk.SourceOnly(BASE)

# One image a key, one panel an entry. Two components, because two are drawn.
METHODS = {
    "mapping-moments": {
        "MomentAlignment": sk.MomentAlignment(BASE),
        "CORAL": sk.CORAL(BASE, alpha=0.01),
        "LinearMonge": sk.LinearMonge(BASE),
        "SubspaceAlignment": sk.SubspaceAlignment(BASE, n_components=2),
        "GFK": sk.GFK(BASE, n_components=2),
    },
    "mapping-components": {
        "TCA": sk.TCA(BASE, n_components=2, kernel="linear"),
        "SSTCA": sk.SSTCA(BASE, n_components=2, kernel="linear"),
        "TransferJointMatching": sk.TransferJointMatching(BASE, n_components=2, kernel="linear"),
        "MIDA": sk.MIDA(BASE, n_components=2),
        "SMIDA": sk.SMIDA(BASE, n_components=2),
    },
    "mapping-classes": {
        "JDA": sk.JDA(BASE, n_components=2, kernel="linear"),
        "BDA": sk.BDA(BASE, n_components=2, kernel="linear"),
        "WBDA": sk.WBDA(BASE, n_components=2, kernel="linear"),
        "JGSA": sk.JGSA(BASE, n_components=2),
        "MEDA": sk.MEDA(n_components=2),
        "EasyTL": sk.EasyTL(alpha=0.01),
    },
    "mapping-transport": {
        "OTMapping, exact": sk.OTMapping(BASE, regularization="exact"),
        "OTMapping, entropic": sk.OTMapping(BASE),
        "OTMapping, class": sk.OTMapping(BASE, regularization="class"),
        "OTMapping, unbalanced": sk.OTMapping(BASE, regularization="unbalanced"),
        "OTLabelPropagation": sk.OTLabelPropagation(),
        "JDOTClassifier": sk.JDOTClassifier(LogisticRegression()),
    },
}
# Maps of words: documents of few words need few pivots and components.
TEXT = {
    "no map": sk.SourceOnly(LogisticRegression()),
    "MarginalizedSDA": sk.MarginalizedSDA(LogisticRegression()),
    "SCL": sk.SCL(LogisticRegression(), n_pivots=4, n_components=2),
    "SFA": sk.SFA(LogisticRegression(), n_independent=6, n_components=2),
}
# With few target labels.
FEW = {
    "source only": sk.SourceOnly(LogisticRegression()),
    "target only": sk.TargetOnly(LogisticRegression()),
    "Pooled": sk.Pooled(LogisticRegression()),
    "EasyAdapt": sk.EasyAdapt(LogisticRegression()),
    "EasyAdaptPlus": sk.EasyAdaptPlus(LogisticRegression()),
    "PRED": sk.PRED(LogisticRegression()),
}
# Lines of the picture of what helps and hurts.
COMPARED = {
    "no map": SOURCE_ONLY,
    "MomentAlignment": sk.MomentAlignment(BASE),
    "LinearMonge": sk.LinearMonge(BASE),
    "SubspaceAlignment": sk.SubspaceAlignment(BASE, n_components=2),
    'TCA(kernel="linear")': sk.TCA(BASE, n_components=2, kernel="linear"),
    "TCA": sk.TCA(BASE, n_components=2),
    'JDA(kernel="linear")': sk.JDA(BASE, n_components=2, kernel="linear"),
    "OTMapping, unbalanced": sk.OTMapping(BASE, regularization="unbalanced"),
}


def make_toy(angle=40, n_target=120, share=0.5, shift=1.0, gap=3.0, n_noise=0, random_state=0):
    """Two classes of two features that the target turns, stretches and moves, and two offsets.

    The first feature separates the classes by `gap` and varies most. The target's rows are
    stretched by 1.3 and 0.8, turned by `angle`, and moved by `shift` times (1.5, 0.8, 2.5, 0).
    `share` is that of the second class among the target's rows; features of noise come last.
    """
    rng = np.random.default_rng(random_state)
    y_source, y_target = (
        np.repeat([0, 1], [n - round(n * part), round(n * part)])
        for n, part in ((120, 0.5), (n_target, share))
    )
    y = np.r_[y_source, y_target]
    X = rng.normal(size=(len(y), 4)) * [0.5, 0.9, 0.5, 0.5]
    X[:, 0] += gap * (y - 0.5)
    turn, a = np.eye(4), np.deg2rad(angle)
    turn[:2, :2] = [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]
    X[120:] = X[120:] * [1.3, 0.8, 1, 1] @ turn + shift * np.array([1.5, 0.8, 2.5, 0])
    noise = 0.5 * rng.normal(size=(len(y), n_noise))
    return np.hstack([X, noise]), y, np.repeat([0, -1], [120, n_target])


def accuracy(model, X, y, ids, hidden=None):
    """Of a fresh fit, on the target's rows; their labels are hidden from it."""
    target = ids < 0
    seen = np.where(target, np.nan, y) if hidden is None else hidden
    fitted = clone(model).fit(X, seen, sample_domain=ids)
    return fitted, fitted.score(X[target], y[target])


def draw_group(name, methods):
    """One image: the rows as they are, then as each method maps or labels them."""
    X, y, ids = make_toy()
    _, without = accuracy(SOURCE_ONLY, X, y, ids)
    columns = 4 if len(methods) in (3, 6, 7) else 3
    rows = -(-(len(methods) + 1) // columns)
    size = (3.4 * columns, 3.3 * rows)
    figure, panels = plt.subplots(rows, columns, figsize=size, layout="constrained")
    first, *others = panels.flat
    plot_embedding(None, X, y, sample_domain=ids, ax=first)
    finish(first, f"rows as they are\ntarget accuracy {without:.2f}", legend=True)
    for (title, method), axes in zip(methods.items(), others, strict=False):
        model, score = accuracy(method, X, y, ids)
        if hasattr(model, "transform"):
            plot_embedding(model, X, y, sample_domain=ids, ax=axes)
        else:
            draw_labels(model, X, y, ids, axes)
        finish(axes, f"{title}\n{without:.2f} $\\rightarrow$ {score:.2f}")
    for axes in others[len(methods) :]:
        axes.set_axis_off()
    figure.savefig(IMAGES / f"{name}.png", dpi=100)
    plt.close(figure)


def draw_labels(model, X, y, ids, axes):
    """Target rows by the label that they were given; crosses where it is wrong."""
    target = ids < 0
    axes.scatter(*X[~target, :2].T, s=10, color=SOURCE, alpha=0.2, linewidth=0)
    guess = model.predict(X[target])
    for code, marker in ((0, "o"), (1, "^")):
        rows = X[target][guess == code]
        axes.scatter(*rows[:, :2].T, s=26, color=TARGET, marker=marker, alpha=0.6, linewidth=0)
    wrong = X[target][guess != y[target]]
    axes.scatter(*wrong[:, :2].T, s=30, color="black", marker="x", linewidth=0.9)


def helps_and_hurts(seeds=6):
    """The farther the target turns, the rarer a class, the fewer target rows."""
    angles, shares = [0, 15, 30, 45, 60, 75, 90], [0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
    same = {"angle": 0, "shift": 0.0}
    sizes = [8, 16, 32, 64, 128, 256]
    figure, panels = plt.subplots(1, 3, figsize=(13, 4), layout="constrained", sharey=True)
    for axes, values, problem, label in (
        (panels[0], angles, lambda v: {"angle": v}, "the target is turned by ... degrees"),
        (panels[1], shares, lambda v: {**same, "share": v}, "share of one class, no other shift"),
        (
            panels[2],
            sizes,
            lambda v: {"n_target": v, "n_noise": 40},
            "unlabeled target rows, 44 features",
        ),
    ):
        for (name, method), color in zip(COMPARED.items(), (BEFORE, *COLORS), strict=False):
            means = [
                np.mean([_on_fresh_rows(method, problem(value), seed) for seed in range(seeds)])
                for value in values
            ]
            line = "--" if name == "no map" else "-"
            axes.plot(values, means, line, marker="o", markersize=4, color=color, label=name)
        axes.set_xlabel(label)
    panels[0].set_ylabel("target accuracy")
    panels[1].invert_xaxis()
    panels[2].set_xscale("log", base=2)
    panels[2].set_xticks(sizes, [str(size) for size in sizes])
    panels[0].legend(fontsize=8, loc="lower left")
    figure.savefig(IMAGES / "mapping-help-and-hurt.png", dpi=100)
    plt.close(figure)


def _on_fresh_rows(method, problem, seed):
    """Accuracy on 600 further target rows, so that few rows of `fit` are judged as well as many."""
    fitted, _ = accuracy(method, *make_toy(**problem, random_state=seed))
    X, y, ids = make_toy(**{**problem, "n_target": 600}, random_state=1000)
    return fitted.score(X[ids < 0], y[ids < 0])


def reading():
    """What `plot_embedding` shows: alignment that keeps the classes, and one that does not."""
    figure, panels = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    X, y, ids = make_toy()
    mapper = sk.LinearMonge().fit(X, sample_domain=ids)
    plot_embedding(mapper, X, y, sample_domain=ids, before=True, ax=panels[:2])
    X, y, ids = make_toy(share=0.1)
    mapper = sk.LinearMonge().fit(X, sample_domain=ids)
    plot_embedding(mapper, X, y, sample_domain=ids, ax=panels[2])
    panels[2].get_legend().remove()
    panels[2].set_title(panels[2].get_title() + "\none target class is rare", fontsize="medium")
    figure.savefig(IMAGES / "mapping-reading.png", dpi=100)
    plt.close(figure)


# Where a word occurs (0: in both domains, 1: source, -1: target), and what it says.
WORDS = {
    "great": (0, 1),
    "recommend": (0, 1),
    "awful": (0, -1),
    "refund": (0, -1),
    "gripping": (1, 1),
    "readable": (1, 1),
    "dull": (1, -1),
    "shallow": (1, -1),
    "sturdy": (-1, 1),
    "quiet": (-1, 1),
    "flimsy": (-1, -1),
    "leaks": (-1, -1),
    "author": (1, 0),
    "blender": (-1, 0),
    "the": (0, 0),
    "and": (0, 0),
}


def make_reviews(random_state=0):
    """Which words 300 reviews of books (source) and 300 of kitchenware (target) have."""
    rng = np.random.default_rng(random_state)
    ids, y = np.repeat([0, -1], 300), rng.integers(2, size=600)
    X = np.empty((600, len(WORDS)))
    for j, (side, sign) in enumerate(WORDS.values()):
        often = 0.45 if side else 0.3  # words of both domains are the rarer ones
        chance = np.where(2 * y - 1 == sign, often, 0.08) if sign else np.full(600, 0.5)
        chance[(ids < 0) & (side > 0) | (ids >= 0) & (side < 0)] = 0.0
        X[:, j] = rng.random(600) < chance
    return X, y, ids


def words():
    """What each word adds to the decision, without and with maps of words."""
    X, y, ids = make_reviews()
    figure, panels = plt.subplots(1, 4, figsize=(13, 4.2), layout="constrained", sharey=True)
    places = {0: "0.55", 1: SOURCE, -1: TARGET}
    colors = [places[side] for side, _ in WORDS.values()]
    for (name, method), axes in zip(TEXT.items(), panels, strict=True):
        model, score = accuracy(method, X, y, ids)
        alone = model.decision_function(np.eye(len(WORDS)))
        effect = alone - model.decision_function(np.zeros((1, len(WORDS))))
        axes.barh(np.arange(len(WORDS)), effect, color=colors)
        axes.axvline(0.0, color="0.4", linewidth=0.8)
        axes.set_title(f"{name}\ntarget accuracy {score:.2f}", fontsize=10)
        axes.set_xlabel("what the word adds to the decision", fontsize=9)
    panels[0].set_yticks(np.arange(len(WORDS)), list(WORDS), fontsize=9)
    panels[0].invert_yaxis()
    for color, label in ((SOURCE, "books only"), (TARGET, "kitchen only"), ("0.55", "both")):
        panels[0].barh(0, 0, color=color, label=label)
    panels[0].legend(fontsize=8, loc="lower right")
    figure.savefig(IMAGES / "mapping-words.png", dpi=100)
    plt.close(figure)


def few_labels(seeds=12):
    """Accuracy over the number of target labels, near to and far from the source."""
    counts = [2, 4, 8, 16, 32, 64, 128]
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
    for axes, angle in zip(panels, (40, 90), strict=True):
        for (name, method), color in zip(FEW.items(), (BEFORE, "#BBBBBB", *COLORS), strict=False):
            means = [
                np.mean([_with_labels(method, count, angle, seed) for seed in range(seeds)])
                for count in counts
            ]
            line = "-" if hasattr(method, "transform") else "--"
            axes.plot(counts, means, line, marker="o", markersize=4, color=color, label=name)
        axes.set_xscale("log", base=2)
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.set_xlabel("labeled target rows")
        axes.set_title(f"a target that is turned by {angle} degrees", fontsize=10)
    panels[0].set_ylabel("target accuracy")
    panels[0].legend(fontsize=8, loc="lower right")
    figure.savefig(IMAGES / "mapping-few-labels.png", dpi=100)
    plt.close(figure)


def _with_labels(method, count, angle, seed):
    """Target accuracy with so many target labels, among twenty features of noise."""
    toy = {"gap": 1.5, "shift": 0.0, "n_noise": 20, "n_target": 400}
    X, y, ids = make_toy(angle=angle, random_state=seed, **toy)
    target = np.flatnonzero(ids < 0)
    order = np.random.default_rng(seed).permutation(target)
    zeros, ones = (order[y[order] == code][: count // 2] for code in (0, 1))
    hidden = np.where(ids < 0, np.nan, y)
    hidden[zeros], hidden[ones] = 0, 1
    return accuracy(method, X, y, ids, hidden)[1]


def selection():
    """Scores of eight features, of which four differ."""
    rng = np.random.default_rng(0)
    X, ids = rng.normal(size=(400, 8)), np.repeat([0, -1], 200)
    X[200:, 1] += 0.8  # its mean
    X[200:, 3] *= 1.5  # its spread
    X[200:, 6] = 0.9 * X[200:, 5] + 0.44 * X[200:, 6]  # the correlation of two
    figure, panels = plt.subplots(1, 3, figsize=(11, 3.3), layout="constrained")
    for axes, method in zip(panels, ("welch", "ks", "fmmd"), strict=True):
        selector = sk.InvariantFeatureSelector(method=method).fit(X, sample_domain=ids)
        axes.bar(np.arange(8), selector.scores_, color=np.where(selector.support_, "0.75", TARGET))
        axes.set_title(f'method="{method}"', fontsize=10)
        axes.set_xticks([1, 3, 5.5], ["mean", "spread", "correlation"])
    panels[0].set_ylabel("score (orange: dropped)")
    figure.savefig(IMAGES / "mapping-selection.png", dpi=100)
    plt.close(figure)


def finish(axes, title, legend=False):
    axes.set_title(title, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("")
    axes.set_ylabel("")
    if axes.get_legend() is not None and not legend:
        axes.get_legend().remove()


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    drawers = {name: lambda name=name: draw_group(name, METHODS[name]) for name in METHODS}
    drawers |= {
        "mapping-help-and-hurt": helps_and_hurts,
        "mapping-reading": reading,
        "mapping-selection": selection,
        "mapping-words": words,
        "mapping-few-labels": few_labels,
    }
    for name in sys.argv[1:] or drawers:  # the images that are named, or all
        drawers[name]()
        print(name)
