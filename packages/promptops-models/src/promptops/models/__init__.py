"""Typed msgspec models of the PromptOps wire contracts, and the decoders that read them."""

from promptops.models import _generated
from promptops.models._decoding import Decoder, decoder, enveloped
from promptops.models._generated import *  # noqa: F403 - generated names, listed in its own __all__
from promptops.models._preparing import prepared
from promptops.models._unknown import Unknown
from promptops.models.datasets import RESERVED_EXAMPLE_FIELDS, DatasetExample
from promptops.models.experiments import Evaluation, ExperimentRun, evaluation_columns
from promptops.models.prompts import (
    MessageLike,
    ModelProvider,
    ModelSettingsLike,
    PromptLike,
    PromptVariables,
    ResponseFormatLike,
    ToolChoiceLike,
    ToolLike,
    VariantLike,
)

__all__ = [
    "RESERVED_EXAMPLE_FIELDS",
    "DatasetExample",
    "Decoder",
    "Evaluation",
    "ExperimentRun",
    "MessageLike",
    "ModelProvider",
    "ModelSettingsLike",
    "PromptLike",
    "PromptVariables",
    "ResponseFormatLike",
    "ToolChoiceLike",
    "ToolLike",
    "Unknown",
    "VariantLike",
    "decoder",
    "enveloped",
    "evaluation_columns",
    "prepared",
]
__all__ += _generated.__all__
