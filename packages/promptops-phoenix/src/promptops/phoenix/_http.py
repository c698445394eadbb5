"""The requests of a Phoenix server: paths, queries, reads and writes, and how patient they are."""

from promptops.core.messages import READ, WRITE
from promptops.phoenix._address import Query, pairs, path
from promptops.phoenix._fetching import ITEMS_PER_PAGE, fetch, fetch_if_there, fetch_json, fetch_page, fetch_text
from promptops.phoenix._profiles import EXPORT, UPLOAD
from promptops.phoenix._sending import delete, holds_nul, is_failed, send, send_empty, written

__all__ = [
    "EXPORT",
    "ITEMS_PER_PAGE",
    "READ",
    "UPLOAD",
    "WRITE",
    "Query",
    "delete",
    "fetch",
    "fetch_if_there",
    "fetch_json",
    "fetch_page",
    "fetch_text",
    "holds_nul",
    "is_failed",
    "pairs",
    "path",
    "send",
    "send_empty",
    "written",
]
