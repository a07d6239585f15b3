"""Published accuracies of feature mappings, in percent, with sources.

The numbers come from public transcriptions of the papers' tables, in the order of the tasks of each
suite of ``benchmarks.real_tasks``.
"""

from benchmarks.quality.comparison import Column

__all__ = ["PUBLISHED"]

_JDA = "Long et al., Transfer feature learning with joint distribution adaptation, ICCV 2013"
_MEDA = "Wang et al., Visual domain adaptation with manifold embedded alignment, ACM MM 2018"
_CORAL = "Sun, Feng, Saenko, Return of frustratingly easy domain adaptation, AAAI 2016"
_EASYTL = "the public program of Wang et al., Easy transfer learning, ICME 2019"
_JPDA = "comments in the public program of Zhang and Wu, Discriminative joint probability MMD, 2020"
_PCTKVM = "Raab and Schleif, 2018: 5 x 2 folds, so half of the rows train"

PUBLISHED = {
    "office_caltech10": {
        "NN": Column(
            _JDA,
            (23.70, 25.76, 25.48, 26.00, 29.83, 25.48, 19.86, 22.96, 59.24, 26.27, 28.50, 63.39),
        ),
        "TCA (JDA paper)": Column(
            _JDA,
            (38.20, 38.64, 41.40, 37.76, 37.63, 33.12, 29.30, 30.06, 87.26, 31.70, 32.15, 86.10),
        ),
        "TCA (MEDA paper)": Column(
            _MEDA, (45.6, 39.3, 45.9, 42.0, 40.0, 35.7, 31.5, 30.5, 91.1, 33.0, 32.8, 87.5)
        ),
        "GFK (JDA paper)": Column(
            _JDA,
            (41.02, 40.68, 38.85, 40.25, 38.98, 36.31, 30.72, 29.75, 80.89, 30.28, 32.05, 75.59),
        ),
        "GFK (MEDA paper)": Column(
            _MEDA, (46.0, 37.0, 40.8, 40.7, 37.0, 40.1, 24.8, 27.6, 85.4, 29.3, 28.7, 80.3)
        ),
        "JDA (JDA paper)": Column(
            _JDA,
            (44.78, 41.69, 45.22, 39.36, 37.97, 39.49, 31.17, 32.78, 89.17, 31.52, 33.09, 89.49),
        ),
        "JDA (MEDA paper)": Column(
            _MEDA, (43.1, 39.3, 49.0, 40.9, 38.0, 42.0, 33.0, 29.8, 92.4, 31.2, 33.4, 89.2)
        ),
        "JDA (T = 5)": Column(
            _JPDA,
            (45.51, 41.02, 38.22, 40.25, 40.34, 42.04, 31.61, 31.73, 89.17, 29.65, 32.57, 83.73),
        ),
        "TJM": Column(
            _MEDA, (46.8, 39.0, 44.6, 39.5, 42.0, 45.2, 30.2, 30.0, 89.2, 31.4, 32.8, 85.4)
        ),
        "JGSA": Column(
            _MEDA, (51.5, 45.4, 45.9, 41.5, 45.8, 47.1, 33.2, 39.9, 90.5, 29.9, 38.0, 91.9)
        ),
        "MEDA": Column(
            _MEDA, (56.5, 53.9, 50.3, 43.9, 53.2, 45.9, 34.0, 42.7, 88.5, 34.9, 41.2, 87.5)
        ),
        "SA (SVM)": Column(
            _CORAL, (44.9, 41.0, 39.5, 37.4, 39.0, 36.3, 31.0, 34.4, 62.4, 34.3, 32.9, 65.1)
        ),
        "GFK (SVM)": Column(
            _CORAL, (56.0, 45.1, 42.7, 41.9, 41.4, 41.4, 27.5, 31.9, 79.6, 36.5, 38.7, 74.6)
        ),
        "TCA (SVM)": Column(
            _CORAL, (46.8, 38.6, 52.2, 35.2, 29.5, 39.5, 27.9, 32.2, 74.5, 30.1, 36.2, 71.2)
        ),
        "CORAL (SVM)": Column(
            _CORAL, (52.1, 46.4, 45.9, 45.1, 44.4, 39.5, 33.7, 36.0, 86.6, 33.8, 37.7, 84.7)
        ),
        "EasyTL(c)": Column(
            _EASYTL, (50.1, 49.5, 48.4, 43.0, 40.7, 38.9, 29.7, 35.2, 77.1, 31.2, 31.9, 69.5)
        ),
        "EasyTL": Column(
            _EASYTL, (52.6, 53.9, 51.6, 42.3, 43.1, 48.4, 35.4, 38.2, 79.6, 36.1, 38.3, 86.1)
        ),
    },
    "digits": {
        "NN": Column(_JDA, (44.7, 65.94)),
        "TCA": Column(_JDA, (51.05, 56.28)),
        "GFK": Column(_JDA, (46.45, 67.22)),
        "JDA": Column(_JDA, (59.65, 67.28)),
        "TJM": Column(_MEDA, (52.3, 63.3)),
        "CORAL": Column(_MEDA, (30.5, 49.2)),
        "JGSA": Column(_MEDA, (68.2, 80.4)),
        "MEDA": Column(_MEDA, (72.1, 89.5)),
    },
    "coil20": {
        "NN": Column(_JDA, (83.61, 82.78)),
        "TCA": Column(_JDA, (88.47, 85.83)),
        "GFK": Column(_JDA, (72.5, 74.17)),
        "JDA": Column(_JDA, (89.31, 88.47)),
    },
    "amazon_reviews": {
        "EasyTL(c)": Column(
            _EASYTL, (78.4, 77.5, 79.2, 79.5, 77.4, 80.4, 73.0, 73.1, 84.6, 75.1, 73.8, 82.0)
        ),
        "EasyTL": Column(
            _EASYTL, (79.8, 79.7, 80.9, 79.9, 80.8, 82.0, 75.0, 75.3, 84.9, 76.5, 76.3, 82.5)
        ),
    },
    "amazon_four": {
        "no adaptation": Column(f"{_CORAL}, table 5: 20 random splits", (72.2, 76.9, 74.7, 82.8)),
        "TCA": Column(f"{_CORAL}, table 5: 20 random splits", (60.4, 61.4, 61.3, 68.7)),
        "SA": Column(f"{_CORAL}, table 5: 20 random splits", (78.4, 74.7, 75.6, 79.3)),
        "GFK": Column(f"{_CORAL}, table 5: 20 random splits", (69.0, 71.3, 68.4, 78.2)),
        "SCL": Column(f"{_CORAL}, table 5: 20 random splits", (72.8, 76.2, 75.0, 82.9)),
        "CORAL": Column(f"{_CORAL}, table 5: 20 random splits", (73.9, 78.3, 76.3, 83.6)),
    },
    "reuters": {
        "SVM": Column(_PCTKVM, (76.99, 69.38, 78.93, 60.32, 64.55, 58.92)),
        "TCA": Column(_PCTKVM, (77.22, 71.62, 80.32, 59.42, 67.58, 58.61)),
        "JDA": Column(_PCTKVM, (75.12, 71.70, 76.77, 57.59, 64.63, 56.49)),
        "GFK": Column(_PCTKVM, (73.05, 66.54, 71.77, 59.76, 64.27, 57.44)),
    },
}
