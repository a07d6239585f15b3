"""Draw the pictures of ``which-weights.md``: ``python docs/guide/weights_pictures.py``."""

import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC

import skransfer as sk
from skransfer.datasets import make_concept_shift, make_covariate_shift, make_label_shift
from skransfer.exceptions import EffectiveSampleSizeWarning
from skransfer.inspection import plot_balance, plot_weights

IMAGES = Path(__file__).parents[1] / "images"
SOURCE, TARGET, TRUE, BEFORE = "#0072B2", "#E69F00", "#111111", "#777777"

METHODS = {
    "KMM": sk.KMM(),
    "KMM, alpha=0.1": sk.KMM(alpha=0.1),
    "ULSIF": sk.ULSIF(),
    "RULSIF": sk.RULSIF(),
    "KLIEP": sk.KLIEP(),
    "DiscriminativeReweighting": sk.DiscriminativeReweighting(),
    "GaussianReweighting": sk.GaussianReweighting(),
    "KDEReweighting": sk.KDEReweighting(),
    "NearestNeighborReweighting": sk.NearestNeighborReweighting(),
}


def ratios():
    """Every label-free method on one feature, over the true ratio."""
    X, _, ids, ratio = make_covariate_shift(
        300, 300, 1, shift=1.0, scale=0.5, return_ratio=True, random_state=0
    )
    source = ids >= 0
    order = np.argsort(X[source][:, 0])
    x, true = X[source][order, 0], ratio[source][order]
    figure, panels = plt.subplots(3, 3, figsize=(11, 8.5), layout="constrained", sharex=True)
    for (name, method), axes in zip(METHODS.items(), panels.flat, strict=True):
        method.fit(X, sample_domain=ids)
        scaled = method.weights_ / method.weights_.mean()
        axes.plot(x, true / ratio[source].mean(), color=TRUE, linewidth=1.2, label="true ratio")
        axes.scatter(X[source][:, 0], scaled, s=9, color=SOURCE, alpha=0.7, label="weights")
        axes.plot(
            X[~source][:, 0],
            np.full(300, 0.02),
            "|",
            color=TARGET,
            transform=axes.get_xaxis_transform(),
            label="target rows",
        )
        axes.set_title(f"{name} (worth {method.effective_sample_size_:.0f} rows)", fontsize=10)
        axes.set_ylim(-0.6, min(9.0, 1.15 * scaled.max()))
        if scaled.max() > 9:
            axes.text(0.98, 0.93, f"up to {scaled.max():.0f}", ha="right", transform=axes.transAxes)
    panels[0, 0].legend(fontsize=8, loc="upper left")
    figure.savefig(IMAGES / "weights-ratios.png", dpi=100)


def reading():
    """The two pictures to look at before trusting weights."""
    X, _, ids = make_covariate_shift(300, 300, 6, shift=0.4, scale=0.8, random_state=0)
    model = sk.RULSIF().fit(X, sample_domain=ids)
    figure, panels = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    plot_weights(model, ax=panels[0])
    plot_weights(model, X, sample_domain=ids, ax=panels[1])
    plot_balance(model, ax=panels[2])
    figure.savefig(IMAGES / "weights-reading.png", dpi=100)


def helps_and_hurts(seeds=12):
    """A wrong (linear) and a right (cubic) model of a cubic, the farther the target moves."""
    shifts = np.linspace(0.0, 2.0, 6)
    figure, panels = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    cubic = _cubic()
    for axes, base, title in (
        (panels[0], LinearRegression(), "a linear model of a cubic: weights help"),
        (panels[1], cubic, "the model can be right: weights only add variance"),
    ):
        curves = {"source only": [], 'RULSIF(gamma="median")': [], "true ratio": []}
        sizes = []
        for shift in shifts:
            errors, rows = _errors(base, shift, seeds)
            for name, value in zip(curves, errors, strict=True):
                curves[name].append(value)
            sizes.append(rows)
        styles = zip(curves.items(), (BEFORE, SOURCE, TRUE), strict=True)
        for (name, values), color in styles:
            axes.plot(shifts, values, marker="o", markersize=4, color=color, label=name)
        axes.set_yscale("log")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("shift of the target's mean, in standard deviations")
        axes.set_ylabel("mean squared error in the target")
        axes.legend(fontsize=8)
    panels[2].plot(shifts, sizes, marker="o", markersize=4, color=TRUE)
    panels[2].set_title("100 source rows are worth ... (true ratio)", fontsize=10)
    panels[2].set_xlabel("shift of the target's mean, in standard deviations")
    panels[2].set_ylim(0, 105)
    figure.savefig(IMAGES / "weights-help-and-hurt.png", dpi=100)


def _cubic():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    return make_pipeline(PolynomialFeatures(3), LinearRegression())


def _errors(base, shift, seeds):
    """Mean squared errors without weights, with RULSIF and with the true ratio; effective rows."""
    found, rows = [], []
    for seed in range(seeds):
        data = make_covariate_shift(
            100,
            300,
            1,
            shift=shift,
            scale=0.5,
            task="regression",
            noise=0.5,
            as_bunch=True,
            random_state=seed,
        )
        X, y, ids = data.X, data.y, data.sample_domain
        source, weights = ids >= 0, np.where(ids >= 0, data.ratio, 1.0)
        truth = data.conditional(X[~source])
        given = {_weight_name(base): weights / weights[source].mean()}
        models = (
            sk.SourceOnly(base).fit(X, y, sample_domain=ids),
            sk.RULSIF(base, gamma="median").fit(X, y, sample_domain=ids),
            sk.SourceOnly(base).fit(X, y, sample_domain=ids, **given),
        )
        found.append([np.mean((model.predict(X[~source]) - truth) ** 2) for model in models])
        w = data.ratio[source]
        rows.append(w.sum() ** 2 / (w @ w))
    return np.mean(found, axis=0), np.mean(rows)


def _weight_name(base):
    return "linearregression__sample_weight" if hasattr(base, "steps") else "sample_weight"


def labels():
    """Weights by label: class frequencies differ."""
    X, y, ids = make_label_shift(300, 300, class_sep=2.0, target_prior=[0.1, 0.9], random_state=0)
    source = ids >= 0
    model = sk.TarS(LogisticRegression()).fit(X, y, sample_domain=ids)
    figure, panels = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    plot_weights(model, X, sample_domain=ids, ax=panels[0])
    before = sk.SourceOnly(LogisticRegression()).fit(X, y, sample_domain=ids)
    bars = {"source": [np.mean(y[source] == c) for c in (0, 1)]}
    bars["TarS's estimate"] = model.target_prior_
    bars["target, true"] = [np.mean(y[~source] == c) for c in (0, 1)]
    for place, (name, values) in enumerate(bars.items()):
        color = (BEFORE, SOURCE, TARGET)[place]
        panels[1].bar(np.arange(2) + 0.27 * (place - 1), values, 0.25, color=color, label=name)
    panels[1].set_xticks([0, 1], ["class 0", "class 1"])
    panels[1].set_ylabel("share of the rows")
    old, new = (m.score(X[~source], y[~source]) for m in (before, model))
    panels[1].set_title(f"target accuracy {old:.2f} $\\rightarrow$ {new:.2f}", fontsize=10)
    panels[1].legend(fontsize=8)
    figure.savefig(IMAGES / "weights-labels.png", dpi=100)


def few_labels():
    """What TrAdaBoost leaves of the rows that contradict twenty target labels."""
    X, y, ids = make_concept_shift(300, 300, angle=60, random_state=1)
    target = np.flatnonzero(ids < 0)
    hidden = y.astype(float)
    hidden[target[20:]] = np.nan
    model = sk.TrAdaBoostClassifier(n_estimators=30, init="balanced")
    model.fit(X, hidden, sample_domain=ids)
    judged, known = target[20:], target[:20]
    alone = sk.TargetOnly(LogisticRegression()).fit(X, hidden, sample_domain=ids)
    figure, panels = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharex=True)
    source = ids >= 0
    sizes = 3 + 25 * model.weights_ / model.weights_.mean()
    for axes, size, title in (
        (panels[0], 14.0, "source rows and twenty target labels"),
        (panels[1], np.minimum(sizes, 250), "size: last weight of TrAdaBoost"),
    ):
        axes.scatter(
            *X[source].T, s=size, c=np.where(y[source] > 0, SOURCE, TARGET), alpha=0.6, linewidth=0
        )
        for code, marker, color in ((1, "^", SOURCE), (0, "v", TARGET)):
            rows = known[y[known] == code]
            axes.scatter(*X[rows].T, s=55, marker=marker, color=color, edgecolors="black")
        axes.set_title(title, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
    score = model.score(X[judged], y[judged])
    base = alone.score(X[judged], y[judged])
    panels[1].set_xlabel(f"target accuracy {score:.2f} (logistic, target only: {base:.2f})")
    figure.savefig(IMAGES / "weights-few-labels.png", dpi=100)


def self_labels():
    """Labels carried over to a target that has turned."""
    rng = np.random.default_rng(0)
    X, y, ids = _moons(rng, angle=35)
    target = ids < 0
    before = sk.SourceOnly(SVC(gamma=2.0, probability=False)).fit(X, y, sample_domain=ids)
    models = {
        "source only": before,
        "SelfLabeling": sk.SelfLabeling(SVC(gamma=2.0)).fit(X, y, sample_domain=ids),
        "DASVM": sk.DASVM(SVC(gamma=2.0)).fit(X, y, sample_domain=ids),
    }
    figure, panels = plt.subplots(1, 3, figsize=(13, 4), layout="constrained", sharey=True)
    for (name, model), axes in zip(models.items(), panels, strict=True):
        guess = model.predict(X[target])
        right = guess == y[target]
        axes.scatter(*X[~target].T, s=6, color="0.8", label="source")
        colors = np.where(guess > 0, SOURCE, TARGET)
        axes.scatter(*X[target][right].T, s=14, c=colors[right], label="target, by prediction")
        axes.scatter(
            *X[target][~right].T, s=40, c=colors[~right], marker="x", linewidths=1.2, label="wrong"
        )
        axes.set_title(f"{name}: target accuracy {right.mean():.2f}", fontsize=10)
    panels[0].legend(fontsize=8, loc="lower right")
    figure.savefig(IMAGES / "weights-self-labels.png", dpi=100)


def _moons(rng, angle, n=150):
    """Two half moons, and the same turned."""
    t = rng.uniform(0, np.pi, size=2 * n)
    y = np.repeat([0, 1], n)
    upper = np.c_[np.cos(t), np.sin(t)]
    lower = np.c_[1 - np.cos(t), 0.5 - np.sin(t)]
    rows = np.where(y[:, None] == 0, upper, lower) - [0.5, 0.25]
    a = np.deg2rad(angle)
    turned = rows @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    X = np.r_[rows, turned] + 0.1 * rng.normal(size=(4 * n, 2))
    return X, np.r_[y, y], np.repeat([0, -1], 2 * n)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EffectiveSampleSizeWarning)
        for draw in (ratios, reading, helps_and_hurts, labels, few_labels, self_labels):
            draw()
            print(f"{draw.__name__}: {draw.__doc__.splitlines()[0]}")
