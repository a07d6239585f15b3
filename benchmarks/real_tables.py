"""Measurements and tables: tasks on real data without target labels or with few of them."""

from functools import partial
from itertools import permutations

import numpy as np

from benchmarks.tasks import FULL, Data, Suite, Task, all_hidden, reveal
from skransfer import datasets

__all__ = ["corn", "mushrooms", "phishing", "school", "wifi", "wine"]


def _load_wifi(seed):
    data = datasets.load_wifi_localization()
    X = np.where(data.X != 0, data.X + 100, 0.0)  # 0: not heard; else above the faintest signal
    return Data(X, data.y, data.sample_domain, data.labeled_target)


def wifi():
    """Two coordinates from 99 signal strengths, the next period from an earlier one."""
    task = Task(
        "wifi+53",
        _load_wifi,
        "signal strengths + 100 where heard; 53 labeled target rows, 3128 judged",
        kind="regression",
        metric="distance",
        few_labels=True,
        scale=True,
        seeds=1,
    )
    return Suite("wifi", (task,), ("load_wifi_localization",))


def _load_corn(seed, target):
    """No sample of corn is on both sides of what is judged: its source rows are left out."""
    data = datasets.load_corn_nir("m5", target, response="moisture")
    judged = np.random.default_rng([seed, 1]).permutation(np.unique(data.sample))
    test, labeled = np.isin(data.sample, judged[:20]), np.isin(data.sample, judged[20:30])
    target_rows = data.sample_domain < 0
    keep = target_rows | ~test
    # Target rows that are neither judged nor labeled would be judged by `Data`: left out too.
    keep &= ~target_rows | test | labeled
    return Data(data.X[keep], data.y[keep], data.sample_domain[keep], (target_rows & labeled)[keep])


def corn():
    """Moisture from spectra, instrument m5 to the other two."""
    return Suite(
        "corn",
        tuple(
            Task(
                f"m5>{target}+10",
                partial(_load_corn, target=target),
                "60 samples on m5; 10 of them labeled on the target; 20 other samples judged",
                kind="regression",
                metric="RMSE",
                base="pls",
                few_labels=True,
            )
            for target in ("mp5", "mp6")
        ),
        ("load_corn_nir",),
    )


def _load_table(seed, loader, source, target, labels=0, per_class=True, **arguments):
    X, y, sample_domain = getattr(datasets, loader)(
        source, target, **arguments, return_X_y_domain=True
    )
    if not labels:
        return all_hidden(X, y, sample_domain)
    labeled = reveal(y, sample_domain < 0, labels, seed, per_class=per_class)
    return Data(X, y, sample_domain, labeled)


def _table_suite(
    name, loader, domains, few, *, kind="classification", metric="accuracy", **arguments
):
    """Both directions without target labels, then with ``few`` random ones."""
    per_class = kind == "classification"
    tasks = []
    for labels in (0, few):
        for a, b in permutations(domains):
            tasks.append(
                Task(
                    f"{domains[a]}>{domains[b]}" + (f"+{labels}" if labels else ""),
                    partial(
                        _load_table,
                        loader=loader,
                        source=a,
                        target=b,
                        labels=labels,
                        per_class=per_class,
                        **arguments,
                    ),
                    f"{labels} labeled target rows{' of each class' if per_class else ''}"
                    if labels
                    else FULL,
                    kind=kind,
                    metric=metric,
                    few_labels=bool(labels),
                    scale=True,
                    seeds=None if labels else 1,
                )
            )
    return Suite(name, tuple(tasks), (loader,))


def wine():
    """Quality of wines, red and white."""
    return _table_suite(
        "wine",
        "load_wine_quality",
        {"red": "red", "white": "white"},
        20,
        kind="regression",
        metric="RMSE",
    )


def mushrooms():
    """Edible or poisonous, by the shape of the stalk."""
    return _table_suite(
        "mushrooms",
        "load_mushrooms",
        {"tapering": "taper", "enlarging": "enlarge"},
        10,
        one_hot=True,
    )


def phishing():
    """Phishing or not, by the kind of address."""
    return _table_suite(
        "phishing", "load_phishing", {"domain_name": "name", "ip_address": "ip"}, 10
    )


def _load_school(seed, target):
    others = [number for number in range(1, 21) if number != target]
    X, y, sample_domain = datasets.load_school(others, target, return_X_y_domain=True)
    return Data(X, y, sample_domain, reveal(y, sample_domain < 0, 15, seed, per_class=False))


def school():
    """Scores in one school from those in nineteen others."""
    return Suite(
        "school",
        tuple(
            Task(
                f"school{target}+15",
                partial(_load_school, target=target),
                "the other schools of the first twenty are sources; 15 labeled target rows",
                kind="regression",
                metric="RMSE",
                few_labels=True,
                scale=True,
            )
            for target in range(1, 6)
        ),
        ("load_school",),
    )
