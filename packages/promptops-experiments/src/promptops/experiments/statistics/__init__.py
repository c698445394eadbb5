"""Statistics of scores: what a mean is worth, and whether two experiments differ.

Pure functions over plain numbers, on the standard library alone. What is drawn at random is drawn from a generator of
its own with a seed, so the same scores always give the same figures.
"""

from promptops.experiments.statistics._binary import mcnemar, wilson
from promptops.experiments.statistics._bootstrap import bootstrap_interval
from promptops.experiments.statistics._corrections import examples_needed, holm, minimum_detectable
from promptops.experiments.statistics._distributions import normal_quantile, quantile, t_quantile
from promptops.experiments.statistics._paired import DEFAULT_RESAMPLES, DEFAULT_SEED, PairedTest, paired_test
from promptops.experiments.statistics._sample import Sample, sample_of
from promptops.experiments.statistics._sign_flip import sign_flip
from promptops.experiments.statistics._summary import Summary, summarise

__all__ = [
    "DEFAULT_RESAMPLES",
    "DEFAULT_SEED",
    "PairedTest",
    "Sample",
    "Summary",
    "bootstrap_interval",
    "examples_needed",
    "holm",
    "mcnemar",
    "minimum_detectable",
    "normal_quantile",
    "paired_test",
    "quantile",
    "sample_of",
    "sign_flip",
    "summarise",
    "t_quantile",
    "wilson",
]
