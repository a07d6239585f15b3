"""Documents of two domains that name the same opinions in words of their own."""

import numpy as np

N_SHARED, N_OWN = 12, 30


def make_synonyms(n=300, n_classes=2, seed=0):
    """Rows of words: some shared by the domains, the telling ones of one domain only.

    In the source the class shows in the source's own words; in the target in others. Shared words
    go along with either, but are seen in half of the documents only, so that a classifier of the
    source's words has little to go by in the target.

    Returns
    -------
    X : ndarray of shape (2 n, N_SHARED + 2 N_OWN)
        Counts.
    y, sample_domain : ndarray of shape (2 n,)
    lonely : ndarray of shape (2 n,), dtype bool
        Target documents without any shared word.
    """
    rng = np.random.RandomState(seed)
    y = np.tile(np.arange(n_classes), 2 * n)[: 2 * n]
    ids = np.repeat([0, -1], n)
    X = np.zeros((2 * n, N_SHARED + 2 * N_OWN))
    with_shared = rng.uniform(size=2 * n) < 0.5
    for i in range(2 * n):
        shared = rng.permutation(np.arange(y[i], N_SHARED, n_classes))[:2]
        own = N_SHARED + (N_OWN if ids[i] < 0 else 0)
        words = own + rng.permutation(np.arange(y[i], N_OWN, n_classes))[:4]
        X[i, words] += 1
        if with_shared[i]:
            X[i, shared] += 1
    return X, y, ids, (ids < 0) & ~with_shared
