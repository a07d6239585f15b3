"""Regression across sites and instruments: WiFi localization, corn spectra, schools."""

from numbers import Integral

import numpy as np

from skransfer.datasets._common import check_name, check_pair, domain_bunch
from skransfer.datasets._files import load_mat

__all__ = ["load_corn_nir", "load_school", "load_wifi_localization"]

_INSTRUMENTS = ("m5", "mp5", "mp6")
_RESPONSES = ("moisture", "oil", "protein", "starch")
_N_SCHOOLS = 139

_WIFI_DESCR = """WiFi localization, ICDM 2007
============================
Signal strengths of 99 access points and the place where they were received: 621 source rows, 53
labeled target rows and 3128 target rows to be judged; y has two coordinates from 0 to 144. Values
as in the file: 0 means not heard, otherwise -97 to -1 dBm, so a useful coding is x + 100 where x is
not 0.

Origin: Data Mining Contest at ICDM 2007, in the form of Xu, Pan, Xiong, Wu, Luo, Min and Song, "A
unified framework for metric transfer learning", TKDE 2017 (cite it). For scientific use only;
commercial use is forbidden. TCA (Pan, Tsang, Kwok and Yang, IEEE Trans. Neural Networks 2011) has
the numbers of rows of this set; its results are figures, so no number is known.
"""

_CORN_DESCR = """Corn spectra on three instruments
=================================
The same 80 samples of corn on three near-infrared spectrometers, 700 wavelengths; four targets:
moisture, oil, protein and starch. Row i of the source and row i of the target are the same sample:
a plain split by row lets a sample be on both sides. Values as in the file, not normalized. The file
only numbers the instruments; 1, 2, 3 are taken to be Eigenvector's m5, mp5, mp6 in this order.

Origin: Eigenvector Research / Cargill, in the form of Yan's drift correction autoencoder code.
``transfer_rows`` has its 50 transfer samples, in order of choice, for each of four folds. They run
up to 60, so they seem to count (here from 0) the 60 training rows of a fold; the folds themselves
are not in the file. No license is stated. Eight PLS components on instrument 1 have a root mean
squared error of moisture near .04 there and above 1.5 on the other two without transfer.
"""

_SCHOOL_DESCR = """London schools
==============
Examination scores (1 to 70) of 15362 students of 139 schools, 28 features as in the file, not
normalized (the last is a constant 1). Each school is a domain.

Origin: Inner London Education Authority; a standard of multi-task learning since Bakker and Heskes,
"Task clustering and gating for Bayesian multitask learning", JMLR 2003; the file is MALSAR's (Zhou,
Chen and Ye, 2011). No license is stated.
"""


def load_wifi_localization(*, return_X_y_domain=False):
    """Load WiFi localization: 99 signal strengths, two coordinates, two periods.

    Parameters
    ----------
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (3802, 99) float64 in dBm (0: not heard), ``y`` (3802, 2) float64 coordinates,
        ``sample_domain`` (0 for 621 source rows, -1 for 3181 target rows), ``labeled_target`` (53
        rows, first of the target) and ``test`` (3128 rows), ``feature_names``, ``target_names``,
        ``domain_names``, ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError
        The file has another content.
    OSError, ImportError
        The file is not here and cannot be downloaded; the message says how to provide it.

    Examples
    --------
    >>> from skransfer.datasets import load_wifi_localization
    >>> data = load_wifi_localization()  # doctest: +SKIP
    >>> data.X.shape, data.y.shape, data.test.sum()  # doctest: +SKIP
    ((3802, 99), (3802, 2), 3128)
    """
    content = load_mat("wifi_icdm2007/wifi_icdm2007_tr_99.mat")["dataset"][0, 0]
    parts = []
    for domain, side in ((0, "src"), (-1, "tar_train"), (-1, "tar_test")):
        X = np.ascontiguousarray(content[f"{side}_X"].T, dtype=np.float64)
        parts.append((domain, X, np.asarray(content[f"{side}_labels"], dtype=np.float64)))
    n_source, n_labeled = len(parts[0][2]), len(parts[1][2])
    labeled = np.zeros(sum(len(y) for _, _, y in parts), dtype=bool)
    labeled[n_source : n_source + n_labeled] = True
    return domain_bunch(
        parts,
        {0: "source period", -1: "target period"},
        descr=_WIFI_DESCR,
        labeled_target=labeled,
        return_X_y_domain=return_X_y_domain,
        feature_names=[f"access_point_{j}" for j in range(parts[0][1].shape[1])],
        target_names=["x", "y"],
    )


def load_corn_nir(source="m5", target="mp5", *, response=None, return_X_y_domain=False):
    """Load the spectra of 80 corn samples on two of three instruments.

    Parameters
    ----------
    source, target : {"m5", "mp5", "mp6"} or {1, 2, 3}
        Two different instruments, by name or number.
    response : {"moisture", "oil", "protein", "starch"}, default=None
        One target; None is all four.
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (160, 700) float64, ``y`` (160, 4) or (160,) float64, ``sample_domain`` (0 source, -1
        target), ``sample`` (160,) the number of the corn sample, ``transfer_rows`` (50, 4),
        ``labeled_target``, ``test``, ``feature_names``, ``target_names``, ``domain_names``,
        ``source_name``, ``target_name``, ``DESCR``.

    Raises
    ------
    ValueError
        Unknown or equal instruments, unknown response, or a file with another content.
    OSError, ImportError
        The file is not here and cannot be downloaded; the message says how to provide it.

    Examples
    --------
    >>> from skransfer.datasets import load_corn_nir
    >>> load_corn_nir(response="moisture").y.shape  # doctest: +SKIP
    (160,)
    """
    numbers = dict(enumerate(_INSTRUMENTS, start=1))
    source, target = numbers.get(source, source), numbers.get(target, target)
    check_pair(source, target, _INSTRUMENTS)
    names = list(_RESPONSES)
    if response is not None:
        names = [check_name(response, "response", _RESPONSES)]
    content = load_mat("corn_nir/cornData.mat")
    y = np.asarray(content["Y"], dtype=np.float64)
    if response is not None:
        y = y[:, _RESPONSES.index(response)].copy()
    spectra = content["ftAll"][0]
    parts = [
        (domain, np.asarray(spectra[_INSTRUMENTS.index(name)], dtype=np.float64), y)
        for domain, name in ((0, source), (-1, target))
    ]
    return domain_bunch(
        parts,
        {0: source, -1: target},
        descr=_CORN_DESCR,
        return_X_y_domain=return_X_y_domain,
        sample=np.tile(np.arange(len(y)), 2),
        transfer_rows=content["trList"].astype(np.int64) - 1,
        feature_names=[f"wavelength_{j}" for j in range(parts[0][1].shape[1])],
        target_names=names,
    )


def load_school(source=None, target=1, *, return_X_y_domain=False):
    """Load examination scores of some of the 139 London schools as several domains.

    Parameters
    ----------
    source : int or sequence of int, default=None
        Numbers of the source schools, 1 to 139; they get the ids 0, 1, ... in this order. None is
        all schools that are not targets.
    target : int or sequence of int, default=1
        Numbers of the target schools; they get the ids -1, -2, ...
    return_X_y_domain : bool, default=False
        Return ``(X, y, sample_domain)`` alone.

    Returns
    -------
    data : Bunch
        ``X`` (n_rows, 28) float64, ``y`` (n_rows,) float64, ``sample_domain``, ``labeled_target``,
        ``test``, ``feature_names``, ``target_names``, ``domain_names`` (id to ``"school 7"``),
        ``source_name`` and ``target_name`` (a list where there are several), ``DESCR``.

    Raises
    ------
    ValueError
        A number is out of range or occurs twice, or a file with another content.
    OSError, ImportError
        The file is not here and cannot be downloaded; the message says how to provide it.

    Examples
    --------
    >>> from skransfer.datasets import load_school
    >>> data = load_school(source=[2, 3], target=1)  # doctest: +SKIP
    >>> data.X.shape, data.domain_names  # doctest: +SKIP
    ((386, 28), {0: 'school 2', 1: 'school 3', -1: 'school 1'})
    """
    targets = _school_numbers(target, "target")
    if source is None:
        sources = [number for number in range(1, _N_SCHOOLS + 1) if number not in targets]
    else:
        sources = _school_numbers(source, "source")
    numbers = sources + targets
    if not sources or len(set(numbers)) < len(numbers):
        raise ValueError("source and target must name at least one school each, and none twice")
    content = load_mat("school/school.mat")
    ids = [*range(len(sources)), *range(-1, -len(targets) - 1, -1)]
    parts = [
        (domain, content["X"][0, k].astype(np.float64), content["Y"][0, k].ravel().astype(float))
        for domain, k in zip(ids, np.array(numbers) - 1, strict=True)
    ]
    return domain_bunch(
        parts,
        {domain: f"school {number}" for domain, number in zip(ids, numbers, strict=True)},
        descr=_SCHOOL_DESCR,
        return_X_y_domain=return_X_y_domain,
        feature_names=[f"x{j}" for j in range(parts[0][1].shape[1])],
        target_names=["score"],
    )


def _school_numbers(value, name):
    """A school number or several as a list."""
    numbers = [value] if isinstance(value, Integral) else list(value)
    for number in numbers:
        if not isinstance(number, Integral) or not 1 <= number <= _N_SCHOOLS:
            raise ValueError(f"{name} has {number!r}; school numbers go from 1 to {_N_SCHOOLS}")
    if not numbers:
        raise ValueError(f"{name} names no school")
    return [int(number) for number in numbers]
