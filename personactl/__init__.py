"""personactl: synthetic-persona campaigns with identity scores, C2PA disclosure and a signed ledger."""

__version__ = "0.1.0"
