"""The rules of the model catalogue and of compatibility."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from promptops.prompts.render import normalise_provider
from promptops.server import wire
from promptops.server.catalogue import Catalogue
from promptops.server.compatibility import Needs, analyse
from promptops.server.grants import Grant
from promptops.server.queries import ModelListQuery
from promptops.server.refusals import invalid

if TYPE_CHECKING:
    from promptops.server.services.prompts import PromptService

__all__ = ["ModelService"]


class ModelService:
    """Lists models, and says which prompts suit which."""

    def __init__(self, catalogue: Catalogue, prompts: PromptService) -> None:
        self._catalogue = catalogue
        self._prompts = prompts

    def list(self, query: ModelListQuery) -> tuple[wire.ModelList, str]:
        """The models by provider and name, and the ETag of the list.

        Raises:
            ValidationError: Nobody knows the provider.
        """
        if query.provider is not None:
            self._check_provider("provider", query.provider)
        found = [entry.info() for entry in self._catalogue.list(provider=query.provider, capability=query.capability)]
        question = f"{self._catalogue.digest}\n{query.provider!r}\n{query.capability!r}"
        return wire.ModelList(models=found, total=len(found)), hashlib.sha256(question.encode()).hexdigest()[:32]

    async def compatibility(
        self, grant: Grant, body: wire.CompatibilityRequest, *, project: str | None
    ) -> wire.CompatibilityReport:
        """One result for each model that was asked for.

        Raises:
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: No model is named, or in both ways, or nobody knows its provider.
        """
        models = _models(body)
        for index, (provider, _) in enumerate(models):
            self._check_provider(
                "model_provider" if body.models is None else f"models[{index}].model_provider", provider
            )
        grant = await self._prompts.within(grant, project, body.project_id)
        prompt = await self._prompts.get(grant, body.prompt_id, version=body.version, project=None)
        needs = Needs(
            output_tokens=body.output_tokens,
            requires_json=body.requires_json,
            requires_streaming=body.requires_streaming,
        )
        results = [
            analyse(prompt, provider, name, self._catalogue.find(provider, name), needs) for provider, name in models
        ]
        return wire.CompatibilityReport(prompt_id=prompt.id, slug=prompt.slug, version=prompt.version, results=results)

    def _check_provider(self, field: str, provider: str) -> None:
        known = self._catalogue.providers()
        if normalise_provider(provider) not in known:
            raise invalid(field, f"{provider!r} is no provider; known are {', '.join(sorted(known))}", "unknown_value")


def _models(body: wire.CompatibilityRequest) -> list[tuple[str, str]]:
    if body.models is not None:
        for field, value in (("model_provider", body.model_provider), ("model_name", body.model_name)):
            if value is not None:
                raise invalid(field, "give model_provider and model_name, or models, not both", "conflicting_fields")
        return [(model.model_provider, model.model_name) for model in body.models]
    if body.model_provider is None:
        raise invalid("model_provider", "give model_provider and model_name, or models", "missing_field")
    if body.model_name is None:
        raise invalid("model_name", "give model_provider and model_name, or models", "missing_field")
    return [(body.model_provider, body.model_name)]
