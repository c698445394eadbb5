"""The routes: HTTP in, a call of a service, HTTP out."""

from __future__ import annotations

from promptops.server.routes.audit import AUDIT
from promptops.server.routes.dataset_drafts import DATASET_DRAFTS
from promptops.server.routes.datasets import DATASETS
from promptops.server.routes.examples import EXAMPLES
from promptops.server.routes.experiments import EXPERIMENTS
from promptops.server.routes.health import HEALTH
from promptops.server.routes.keys import KEYS
from promptops.server.routes.labels import LABELS
from promptops.server.routes.models import MODELS
from promptops.server.routes.prompts import PROMPTS
from promptops.server.routes.spaces import SPACES
from promptops.server.routes.usage import USAGE

__all__ = ["HANDLERS"]

HANDLERS = (
    *HEALTH,
    *PROMPTS,
    *LABELS,
    *MODELS,
    *USAGE,
    *KEYS,
    *AUDIT,
    *SPACES,
    *DATASETS,
    *EXAMPLES,
    *DATASET_DRAFTS,
    *EXPERIMENTS,
)
