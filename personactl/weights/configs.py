"""JSON configurations of a model folder: bounded, and free of keys that make a library import code.

`auto_map`, `custom_pipelines` and `trust_remote_code` name Python in the folder or on a hub; CVE-2026-4372 reached code
through `_attn_implementation_internal` although trust_remote_code was off. Presence at any depth is enough to refuse.
"""

from __future__ import annotations

import json
import os
from typing import Any

from personactl.errors import WeightsError

MAX_CONFIG_BYTES = 1 << 20
MAX_DATA_BYTES = 32 << 20
# Vocabularies are data: they may be large, and their keys are words.
DATA_NAMES = frozenset({"tokenizer.json", "vocab.json", "added_tokens.json"})
REFUSED_NAMES = frozenset({"adapter_config.json"})
REFUSED_KEYS = frozenset(
    {"auto_map", "custom_pipeline", "custom_pipelines", "trust_remote_code", "_attn_implementation_internal"}
)
ATTENTION_KEYS = frozenset({"attn_implementation", "_attn_implementation", "experts_implementation"})


def read(path: str, descriptor: int, size: int) -> Any:
    """The parsed configuration (None for a vocabulary, which is only checked to be JSON).

    Raises WeightsError: weights.config-too-big, weights.config-invalid, weights.code.
    """
    name = path.rsplit("/", 1)[-1]
    limit = MAX_DATA_BYTES if name in DATA_NAMES or name.endswith(".index.json") else MAX_CONFIG_BYTES
    if size > limit:
        raise WeightsError(
            f"a JSON file of {size} bytes; at most {limit} are read", where=path, code="weights.config-too-big"
        )
    if name in REFUSED_NAMES:
        raise WeightsError(
            "adapters that load themselves are not allowed in a model folder",
            where=path,
            hint="remove the adapter from the folder",
            code="weights.code",
        )
    document = _parse(path, os.pread(descriptor, limit + 1, 0))
    if name in DATA_NAMES:
        return None
    refuse_code(path, document)
    if name.endswith(".index.json"):
        _check_shards(path, document)
    return document


def _parse(path: str, data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"not valid JSON: {error}", where=path, code="weights.config-invalid") from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key occurs twice")
    return made


def refuse_code(path: str, document: Any) -> None:
    """Raise WeightsError (weights.code) when a key anywhere in `document` makes a library import code."""
    todo = [document]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo.extend(value)
        elif isinstance(value, dict):
            for key, item in value.items():
                _refuse_key(path, key, item)
                todo.append(item)


def _check_shards(path: str, document: Any) -> None:
    """An index of shards is read by joining its names to the folder: they must stay inside."""
    shards = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(shards, dict) or not all(
        isinstance(shard, str) and "/" not in shard and "\\" not in shard and shard.endswith(".safetensors")
        for shard in shards.values()
    ):
        raise WeightsError(
            "the index names shards that are not safetensors files beside it", where=path, code="weights.config-invalid"
        )


def _refuse_key(path: str, key: str, value: Any) -> None:
    hub_kernel = key in ATTENTION_KEYS and isinstance(value, str) and any(mark in value for mark in "/:@")
    custom_class = key == "_class_name" and not isinstance(value, str)
    if key in REFUSED_KEYS or hub_kernel or custom_class:
        raise WeightsError(
            f"the key {key!r} makes a library import code",
            where=path,
            hint="use a model that needs no code of its own; personactl runs none",
            code="weights.code",
        )
