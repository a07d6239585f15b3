"""What the comparisons taught, in words."""

__all__ = ["OFFICE_CALTECH10"]

OFFICE_CALTECH10 = """\
The table of the CORAL paper is reproduced, but not by what its columns are called:

- *Published NA* (no adaptation, mean 41.1) is said to be a linear SVM. An SVM with the RBF kernel
  of LibSVM's default width gives all 12 values, to the digit; a linear SVM without any adaptation
  has a mean near 46. Most of the published gain of CORAL over NA is the gain of a linear kernel.
- *Published CORAL* (mean 48.8) is what the public program for this table computes: LibSVM with the
  matrix `x_i A x_j` as a precomputed kernel, in place of a linear SVM on recolored rows. A is not
  symmetric, so this is no kernel. Only two values of C differ, 0.001 and the rest, and random folds
  choose between them; each published value is one of the two outcomes (W>A up to a single row).
  Over random folds this program has a mean near 48, not 48.8.
- `CORAL(estimator)` is what the paper describes in words and formulas. Beside the linear SVM that
  it wraps, with C chosen in the same way, it gains about one point on the mean: much from small
  sources (dslr, webcam), while it loses where the source is large (caltech, amazon).

The two published columns of TCA differ by the scaling of the mapped rows to length 1, which
moves our mean from the one to the other; which values of its penalty and dimension were used is
not written down, and single pairs differ by several points.
"""
