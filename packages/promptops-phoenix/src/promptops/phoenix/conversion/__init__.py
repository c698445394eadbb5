"""Phoenix prompt versions as our prompts and the other way round, with a list of what is lost on the way."""

from promptops.phoenix.conversion._from import from_phoenix
from promptops.phoenix.conversion._to import to_phoenix
from promptops.phoenix.conversion._types import Converted, PromptFields, PromptSource

__all__ = ["Converted", "PromptFields", "PromptSource", "from_phoenix", "to_phoenix"]
