"""Every term and every type of a document is defined by its contexts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def check_terms(document: Mapping[str, Any]) -> None:
    """Raises MalformedCredential for a term or a type that no bundled context defines."""
