"""The kinds of entry, who signs each, and the fields that the ledger's own rules read (SPEC 6.1, predicates.md).

Fields that no rule of the ledger reads are documented in predicates.md and left to the rooms that write them; unknown
ones are kept and ignored, as in-toto asks of consumers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from personactl_ledger.encoding import HEX32, HEX64, ORIGIN, require_time
from personactl_ledger.errors import FormatError

ROOT, OPERATOR, LEDGER, PERSON, RUN = "root", "operator", "ledger", "person", "run"
ENROLLED_ROLES = (ROOT, OPERATOR, LEDGER, PERSON)
"""Roles that a key-add entry can give; a run key is certified by a run-open entry instead."""

KINDS: dict[str, str] = {
    "genesis": ROOT,
    "trust": ROOT,
    "key-add": ROOT,
    "key-retire": ROOT,
    "key-revoke": ROOT,
    "run-open": OPERATOR,
    "run-close": OPERATOR,
    "persona-freeze": OPERATOR,
    "calibration": OPERATOR,
    "training": OPERATOR,
    "adoption": OPERATOR,
    "refusal": OPERATOR,
    "release": OPERATOR,
    "erasure": OPERATOR,
    "timestamp": OPERATOR,
    "restore": OPERATOR,
    "migration": OPERATOR,
    "merge": OPERATOR,
    "merged": OPERATOR,
    "withdrawal": OPERATOR,
    "note": OPERATOR,
    "output": RUN,
    "reject": RUN,
    "void": RUN,
    "approval": PERSON,
}
"""Every kind, and the role of the keys that may sign it."""

ROOT_KINDS = tuple(kind for kind, role in KINDS.items() if role == ROOT)
"""What only root keys say: whose keys count (SPEC 6.4)."""

UNKNOWN_SIGNER = OPERATOR
"""The role of the one key that signs an entry of a kind that this version does not know (SPEC 6.10)."""

SEVERAL_SIGNERS = frozenset({ROOT, PERSON})
"""Roles whose entries may carry up to 16 signatures; all others carry exactly one."""

FORMAT = "personactl-ledger/1"
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,198}[a-z0-9])?")
_SEALED = re.compile(r"[a-z][A-Za-z0-9]{0,62}")
_KIND = re.compile(r"[a-z][a-z-]{0,62}(:[1-9][0-9]{0,8})?")
_KEY_ID = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=")

Check = Callable[[Any], bool]


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _natural(value: Any) -> bool:
    return type(value) is int and value >= 0


def _text(value: Any) -> bool:
    return type(value) is str and value != ""


def _time(value: Any) -> bool:
    try:
        require_time(value)
    except FormatError:
        return False
    return True


def _persona(value: Any) -> bool:
    return isinstance(value, dict) and _text(value.get("id")) and _natural(value.get("version"))


def _public_key(value: Any) -> bool:
    return isinstance(value, dict) and {"kid", "publicKey"} <= set(value) and all(_text(v) for v in value.values())


def _run_key(value: Any) -> bool:
    return _public_key(value) and _key_id(value["kid"])


_hex64, _hex32, _run, _key_id = _matches(HEX64), _matches(HEX32), _matches(_RUN), _matches(_KEY_ID)
_sealed_name, _origin, _kind = _matches(_SEALED), _matches(ORIGIN), _matches(_KIND)


def _erases(value: Any) -> bool:
    """SPEC 10.3: no index twice, and for each some fields, none twice."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return False
    indexes = [item.get("index") for item in value]
    return all(map(_natural, indexes)) and len(set(indexes)) == len(indexes) and all(map(_fields, value))


def _fields(item: dict[str, Any]) -> bool:
    fields = item.get("fields")
    if not isinstance(fields, list) or not fields or not all(map(_sealed_name, fields)):
        return False
    return len(set(fields)) == len(fields)


def _head(value: Any) -> bool:
    """The tree head of another ledger: {origin, size, root}."""
    good = isinstance(value, dict) and _origin(value.get("origin")) and _natural(value.get("size"))
    return good and value["size"] > 0 and _hex64(value.get("root"))


def _source(value: Any) -> bool:
    """An entry of another ledger: {origin, index, leafHash, kind}."""
    good = isinstance(value, dict) and _origin(value.get("origin")) and _natural(value.get("index"))
    return good and _hex64(value.get("leafHash")) and _kind(value.get("kind"))


def _unique_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value)) and len(set(value)) == len(value)


def _approvers(value: Any) -> bool:
    """Null, or {threshold, keys}: threshold from 1 to the number of keys (SPEC 6.12)."""
    if value is None:
        return True
    if not isinstance(value, dict) or set(value) != {"threshold", "keys"} or not _unique_texts(value["keys"]):
        return False
    return all(map(_key_id, value["keys"])) and _natural(value["threshold"]) and (
        1 <= value["threshold"] <= len(value["keys"])
    )  # fmt: skip


def _witnesses(value: Any) -> bool:
    """Null, or {quorum, vkeys}: quorum at most the number of vkeys (SPEC 6.12)."""
    if value is None:
        return True
    if not isinstance(value, dict) or set(value) != {"quorum", "vkeys"} or not _unique_texts(value["vkeys"]):
        return False
    return _natural(value["quorum"]) and bool(value["quorum"] <= len(value["vkeys"]))


FIELDS: dict[str, dict[str, Check]] = {
    "genesis": {
        "ledgerId": _hex32,
        "format": lambda value: value == FORMAT,
        "domain": _matches(_DOMAIN),
        "development": lambda value: type(value) is bool,
        "rootKeys": lambda value: isinstance(value, list) and 0 < len(value) <= 16 and all(map(_public_key, value)),
        "createdAt": _time,
    },
    "key-add": {"role": lambda value: value in ENROLLED_ROLES, "kid": _key_id, "publicKey": _text, "addedAt": _time},
    "trust": {"version": _natural, "approvers": _approvers, "witnesses": _witnesses, "setAt": _time},
    "key-retire": {"kid": _key_id, "retiredAt": _time},
    "key-revoke": {"kid": _key_id, "fromIndex": _natural, "revokedAt": _time},
    "run-open": {"run": _run, "planSha256": _hex64, "planned": _natural, "runKey": _run_key, "startedAt": _time},
    "persona-freeze": {"persona": _persona},
    "adoption": {"entryId": _hex32},
    "timestamp": {"size": _natural, "tokenSha256": _hex64},
    "withdrawal": {"entryId": _hex32, "withdraws": _natural},
    "erasure": {"erases": _erases, "basis": _text, "erasedAt": _time},
    "restore": {"restores": _head, "reason": _text, "restoredAt": _time},
    "merged": {"source": _source, "mergedAt": _time},
    "merge": {"merges": _head, "first": _natural, "count": _natural, "reason": _text, "mergedAt": _time},
    "output": {"run": _run, "entryId": _hex32, "jobKey": _hex64},
    "reject": {"run": _run, "entryId": _hex32, "jobKey": _hex64},
    "void": {"run": _run, "entryId": _hex32, "jobKey": _hex64, "voids": _natural},
    "run-close": {
        "run": _run,
        "planSha256": _hex64,
        **dict.fromkeys(("planned", "done", "failed", "rejected", "skipped", "outputs", "rejects"), _natural),
        "firstIndex": _natural,
        "lastIndex": _natural,
        "closedAt": _time,
    },
}


def require_fields(kind: str, predicate: dict[str, Any]) -> None:
    """Check the fields that rules read. Raises FormatError (code ledger.predicate) naming the field."""
    if kind != "genesis" and not _text(predicate.get("origin")):
        raise _malformed(kind, "origin")
    for name, check in FIELDS.get(kind, {}).items():
        if name not in predicate or not check(predicate[name]):
            raise _malformed(kind, name)
    if kind == "genesis" and not _threshold(predicate):
        raise _malformed(kind, "rootThreshold")
    sealed = predicate.get("sealed", {})
    if not isinstance(sealed, dict) or not all(map(_hex64, sealed.values())) or not all(map(_sealed_name, sealed)):
        raise _malformed(kind, "sealed")


def _threshold(genesis: dict[str, Any]) -> bool:
    """`rootThreshold` may be left out; else it is 1 to the number of root keys (SPEC 6.2)."""
    value = genesis.get("rootThreshold", 1)
    return type(value) is int and 1 <= value <= len(genesis["rootKeys"])


def _malformed(kind: str, name: str) -> FormatError:
    return FormatError(f"the field {name} of a {kind} entry is missing or has a wrong form", code="ledger.predicate")
