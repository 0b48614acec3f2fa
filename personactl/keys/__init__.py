"""Keys and trust: who signs what, and whose signatures a verifier accepts.

    rotate(project, request)     lets the next key take over, in an order that a crash cannot break
    abandon(project, role)       drops one that was begun and changed nothing
    revoke(project, kid)         ends a key that none follows
    enrol, set_approvers         persons' public keys, and who of them approves
    set_witnesses                which witnesses the ledger names
    create_development(folder)   makes every key but the persons' own, in one step, marked as development keys
    load(folder)                 the keys of a project, ready to sign
    check(folder)                names every rule that a key, a certificate or a file mode breaks
    export_trust(keyset)         the public half, as a trust file for those who verify
    trust.parse(data)            someone else's trust file, read strictly
    trust_store                  the trust files that this user accepts

A private key never leaves the objects built here: not in a message, not in a `repr`.
"""

from __future__ import annotations

from personactl.keys import trust, trust_store
from personactl.keys.checks import check
from personactl.keys.development import create_development
from personactl.keys.keyset import C2paCredential, KeySet, load, load_root_signer, load_signer
from personactl.keys.people import ending, enrol, read_public_key
from personactl.keys.revoking import Revoked, revoke
from personactl.keys.rotation import Request, Rotated, abandon, rotate
from personactl.keys.trust import TrustFile, export_trust
from personactl.keys.trust_entries import set_approvers, set_witnesses

__all__ = [
    "C2paCredential",
    "KeySet",
    "Request",
    "Revoked",
    "Rotated",
    "TrustFile",
    "abandon",
    "check",
    "create_development",
    "ending",
    "enrol",
    "export_trust",
    "load",
    "load_root_signer",
    "load_signer",
    "read_public_key",
    "revoke",
    "rotate",
    "set_approvers",
    "set_witnesses",
    "trust",
    "trust_store",
]
