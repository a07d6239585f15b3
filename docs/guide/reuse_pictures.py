"""Draw the pictures of ``reusing-a-model.md``: ``python docs/guide/reuse_pictures.py``."""

import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeCV
from sklearn.neural_network import MLPClassifier

import skransfer as sk
from skransfer.datasets import load_rotated_digits

IMAGES = Path(__file__).parents[1] / "images"
SOURCE, TARGET, REUSE, GUARD = "#0072B2", "#E69F00", "#009E73", "#111111"
ANGLES = (0, 20, 45, 90)
SEEDS = 5


def rows(angle, seed):
    """Upright digits and their labels, then turned ones in random order."""
    X, y, ids = load_rotated_digits(angle, random_state=seed, return_X_y_domain=True)
    X = X / 16
    order = np.random.default_rng(seed).permutation(np.flatnonzero(ids < 0))
    return X[ids >= 0], y[ids >= 0], X[order], y[order]


def network(seed):
    """A network fitted on upright digits, frozen."""
    X, y, _, _ = rows(0, seed)
    model = MLPClassifier((64, 32), alpha=1e-3, max_iter=100, random_state=seed)
    return FrozenEstimator(model.fit(X, y))


NETWORKS = {}


def fitted(seed):
    """The network of a seed, fitted once."""
    if seed not in NETWORKS:
        NETWORKS[seed] = network(seed)
    return NETWORKS[seed]


def digits():
    """The same digits at the four turns, and what the source makes of them."""
    figure, panels = plt.subplots(4, 10, figsize=(10, 4.6), layout="constrained")
    source = fitted(0)
    for angle, line in zip(ANGLES, panels, strict=True):
        _, _, X, y = rows(angle, 0)
        guess = source.predict(X)
        first = [np.flatnonzero(y == digit)[0] for digit in range(10)]
        for row, axes in zip(first, line, strict=True):
            axes.imshow(X[row].reshape(8, 8), cmap="gray_r")
            axes.set_xticks([])
            axes.set_yticks([])
            right = guess[row] == y[row]
            axes.set_xlabel(guess[row], color="black" if right else "#D55E00", fontsize=9)
        score = np.mean(guess == y)
        line[0].set_ylabel(f"{angle}°\n{score:.0%} right", rotation=0, ha="right", va="center")
    figure.savefig(IMAGES / "reuse-digits.png", dpi=100)


def freezing():
    """Accuracy over the number of frozen layers, for each turn, with few and with many rows."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
    colors = plt.get_cmap("viridis")(np.linspace(0.0, 0.85, len(ANGLES)))
    for axes, n in zip(panels, (20, 200), strict=True):
        alone = []
        for angle, color in zip(ANGLES, colors, strict=True):
            scores = []
            for seed in range(SEEDS):
                _, _, X, y = rows(angle, seed)
                source = fitted(seed)
                models = [_tuned(source, k, seed).fit(X[:n], y[:n]) for k in range(3)]
                scores.append([model.score(X[n:], y[n:]) for model in [*models, source]])
                alone.append(_pixels().fit(X[:n], y[:n]).score(X[n:], y[n:]))
            axes.plot(range(4), np.mean(scores, axis=0), marker="o", color=color, label=f"{angle}°")
        # The turn matters little to what starts from pixels: one line for all.
        axes.axhline(np.mean(alone), color="0.4", linestyle=":", label="target alone (pixels)")
        axes.set_xticks(range(4), ["none", "1", "2", "all: the\nsource"])
        axes.set_xlabel("frozen layers")
        axes.set_title(f"{n} labeled rows", fontsize=10)
    panels[0].set_ylabel("target accuracy")
    panels[1].legend(fontsize=8, title="turn", loc="lower left")
    figure.savefig(IMAGES / "reuse-freezing.png", dpi=100)


def _pixels():
    return LogisticRegression(C=10.0, max_iter=2000)


def _tuned(source, freeze, seed, l2_sp=0.0):
    return sk.MLPFineTuneClassifier(
        source=source, freeze=freeze, l2_sp=l2_sp, random_state=seed, lr_decay=1.0, batch_size=32
    )


def gentle():
    """What a pull to the source keeps and costs, and how far the network moves."""
    strengths = np.array([1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0])
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    new, old, moved = (np.zeros((SEEDS, len(strengths))) for _ in range(3))
    before = []
    for seed in range(SEEDS):
        X, y = rows(20, seed)[2:]
        upright = rows(0, seed)[2:]
        before.append(fitted(seed).score(X[20:], y[20:]))
        for j, strength in enumerate(strengths):
            model = _tuned(fitted(seed), 0, seed, l2_sp=strength).fit(X[:20], y[:20])
            new[seed, j] = model.score(X[20:], y[20:])
            old[seed, j] = model.score(upright[0][20:], upright[1][20:])
            moved[seed, j] = model.drift_.sum()
    panels[0].plot(strengths, old.mean(axis=0), marker="o", color=SOURCE, label="upright digits")
    panels[0].plot(strengths, new.mean(axis=0), marker="o", color=TARGET, label="turned by 20°")
    panels[0].axhline(
        np.mean(before), color=TARGET, linestyle=":", label="turned by 20°, before fine-tuning"
    )
    panels[0].set_ylabel("accuracy after 20 turned rows")
    panels[0].legend(fontsize=8)
    panels[1].plot(strengths, moved.mean(axis=0), marker="o", color=REUSE)
    panels[1].set_ylabel("how far the layers moved (sum of drift_)")
    for axes in panels:
        axes.set_xscale("log")
        axes.set_xlabel("l2_sp: pull to the source")
    figure.savefig(IMAGES / "reuse-gentle.png", dpi=100)


def scenarios():
    """Learning curves where the target is near and where it is far."""
    sizes = (15, 30, 60, 120, 240, 480)
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained", sharey=True)
    for axes, angle in zip(panels, (20, 90), strict=True):
        scores = np.array([[_four(angle, n, seed) for n in sizes] for seed in range(SEEDS)])
        names = (
            "source as it is",
            "target alone (pixels)",
            "fine-tuned, no layer frozen",
            "LinearInterpolation",
        )
        styles = ((SOURCE, "--"), (TARGET, "-"), (REUSE, "-"), (GUARD, ":"))
        for j, (name, (color, style)) in enumerate(zip(names, styles, strict=True)):
            axes.plot(
                sizes,
                scores[:, :, j].mean(axis=0),
                marker="o",
                markersize=4,
                color=color,
                linestyle=style,
                label=name,
            )
        axes.set_xscale("log")
        axes.set_xticks(sizes, sizes)
        axes.minorticks_off()
        axes.set_xlabel("labeled target rows")
        axes.set_title(f"turned by {angle}°", fontsize=10)
    panels[0].set_ylabel("target accuracy")
    panels[1].legend(fontsize=8)
    figure.savefig(IMAGES / "reuse-scenarios.png", dpi=100)


def _four(angle, n, seed):
    """Accuracies of the source, the target alone, fine-tuning and the guarded choice."""
    _, _, X, y = rows(angle, seed)
    source = fitted(seed)
    models = (
        source,
        _pixels().fit(X[:n], y[:n]),
        _tuned(source, 0, seed).fit(X[:n], y[:n]),
        sk.LinearInterpolationClassifier(_pixels(), source=source).fit(X[:n], y[:n]),
    )
    return [model.score(X[n:], y[n:]) for model in models]


def guard(n=10, p=20, seeds=60):
    """Ten rows, and a linear source whose coefficients are farther and farther off."""
    distances = np.linspace(0.0, 5.0, 9)
    found = np.array([[_risks(n, p, d, seed) for d in distances] for seed in range(seeds)])
    figure, axes = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
    names = ("source as it is", "target alone", "RidgeTransfer", "LinearInterpolationRegressor")
    for j, (name, color) in enumerate(zip(names, (SOURCE, TARGET, REUSE, GUARD), strict=True)):
        axes.plot(distances, found[:, :, j].mean(axis=0), marker="o", color=color, label=name)
    axes.set_ylim(-0.3, 12)
    axes.set_xlabel("distance of the source's coefficients from the true ones (norm 2)")
    axes.set_ylabel("squared error beyond the noise")
    axes.legend(fontsize=8)
    figure.savefig(IMAGES / "reuse-guard.png", dpi=100)


def _risks(n, p, distance, seed):
    rng = np.random.default_rng(seed)
    truth, step = 2 * rng.normal(size=p) / np.sqrt(p), rng.normal(size=p)
    X = rng.normal(size=(n, p))
    y = X @ truth + rng.normal(size=n)
    unit = np.eye(p)
    wrong = truth + distance * step / np.linalg.norm(step)
    source = FrozenEstimator(LinearRegression(fit_intercept=False).fit(unit, wrong))
    alone = RidgeCV(alphas=np.logspace(-3, 5, 25))
    risks = []
    for model in (
        source,
        alone.fit(X, y),
        sk.RidgeTransfer(source=source).fit(X, y),
        sk.LinearInterpolationRegressor(alone, source=source).fit(X, y),
    ):
        offset = model.predict(np.zeros((1, p)))[0]
        risks.append(offset**2 + ((model.predict(unit) - offset - truth) ** 2).sum())
    return risks


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="Got `batch_size`")
        for draw in (digits, freezing, gentle, scenarios, guard):
            draw()
            print(f"{draw.__name__}: {draw.__doc__.splitlines()[0]}")
