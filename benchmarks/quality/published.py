"""Published accuracies on Office-Caltech10 (SURF, full protocol), in percent, with sources.

The numbers come from public transcriptions of the papers' tables; what each could be checked
against is said beside it.
"""

from benchmarks.quality.comparison import Column

__all__ = ["OFFICE_CALTECH10"]

_JDA = "Long et al., Transfer feature learning with joint distribution adaptation, ICCV 2013"
_CORAL = "Sun, Feng, Saenko, Return of frustratingly easy domain adaptation, AAAI 2016, table 3"
_MEDA = "Wang et al., MEDA, ACM MM 2018, table 2"

OFFICE_CALTECH10 = {
    "NN": Column(
        _JDA,
        (23.70, 25.76, 25.48, 26.00, 29.83, 25.48, 19.86, 22.96, 59.24, 26.27, 28.50, 63.39),
    ),
    "TCA": Column(
        _JDA,
        (38.20, 38.64, 41.40, 37.76, 37.63, 33.12, 29.30, 30.06, 87.26, 31.70, 32.15, 86.10),
    ),
    "TCA (MEDA)": Column(
        _MEDA, (45.6, 39.3, 45.9, 42.0, 40.0, 35.7, 31.5, 30.5, 91.1, 33.0, 32.8, 87.5)
    ),
    "NA": Column(
        f"{_CORAL}, column NA",
        (53.1, 41.7, 47.8, 41.7, 31.9, 44.6, 21.2, 27.6, 78.3, 26.4, 26.2, 52.5),
    ),
    "CORAL": Column(
        f"{_CORAL}, column CORAL",
        (52.1, 46.4, 45.9, 45.1, 44.4, 39.5, 33.7, 36.0, 86.6, 33.8, 37.7, 84.7),
    ),
}
