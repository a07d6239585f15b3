"""What the comparisons taught, in words."""

__all__ = ["OFFICE_CALTECH10"]

OFFICE_CALTECH10 = """\
The table of the CORAL paper can be reproduced value by value, though not by what its columns are
usually taken for:

- *Published NA* (no adaptation, mean 41.1) is usually read as a linear SVM. An SVM with the RBF
  kernel of LibSVM's default width gives all 12 values, to the digit; a linear SVM without any
  adaptation has a mean near 46. So most of the published distance between NA and CORAL is that
  between two kernels.
- *Published CORAL* (mean 48.8) is what public copies of the demonstration program for this method
  compute: LibSVM with the matrix `x_i A x_j` as a precomputed kernel, in place of a linear SVM on
  recolored rows, whose kernel is `x_i A A' x_j`. A is not symmetric, so `x_i A x_j` is no kernel.
  Only two values of C differ, 0.001 and the rest, and two random folds choose between them; each
  published value is one of the two outcomes (W>A up to a single row). Over many random folds this
  program has a mean near 48, not 48.8.
- `CORAL(estimator)` is the method as the paper states it. Beside the linear SVM that it wraps, with
  C chosen in the same way, it gains about one point on the mean: 2 to 12 points where the source is
  small (webcam, dslr), except W>D, while it loses where the source is large (caltech, amazon).

Of TCA there are two published columns. Scaling the mapped rows to length 1 moves our mean from
near the one to near the other; the dimension, penalty and kernel behind the columns are not known,
and single pairs differ by several points."""
