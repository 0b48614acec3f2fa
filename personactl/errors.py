"""Everything that can go wrong above the ledger, grouped by where the fault lies.

    PersonactlError
    ├── UsageProblem          exit 2    the operator's command, manifest, plan, config or persona
    │   ├── ManifestError               carries every Problem with file:line:column
    │   ├── ConfigError
    │   ├── PersonaError
    │   ├── PolicyError
    │   └── NotAvailable                a documented key or command that this version refuses
    ├── GateError             exit 3    the identity gate or an approval is not met
    ├── IntegrityError        exit 4    a file or the ledger is altered or unreadable
    ├── TrustError            exit 5    signer not trusted, or no trust file given
    ├── CredentialError       exit 6    no credential in the file
    ├── DisclosureError       exit 7    disclosure missing or wrong
    ├── EnvironmentProblem    exit 8    the machine
    │   ├── ExtraMissing                names the exact install line
    │   ├── WeightsError                missing, wrong digest, pickle or code in a model folder
    │   ├── LicenceError
    │   └── StorageError                full disk, read-only place
    ├── KeyProblem            exit 9    keys, certificates, time-stamp service
    ├── ConflictError         exit 10   stale plan, ledger moved, output name taken
    └── PartialError          exit 75   locked, or partly done: safe to run again

Exit 1 is a bug and nothing else. The ledger package has its own tree (`personactl_ledger.errors`) so that it can
leave home; `personactl.cli.exits` maps both. Exceptions never print and never exit.
"""

from __future__ import annotations

from dataclasses import dataclass

EXIT_OK = 0
EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_GATE = 3
EXIT_INTEGRITY = 4
EXIT_TRUST = 5
EXIT_CREDENTIAL = 6
EXIT_DISCLOSURE = 7
EXIT_ENVIRONMENT = 8
EXIT_KEYS = 9
EXIT_CONFLICT = 10
EXIT_NO_ANCHOR = 11
EXIT_WORK_TO_DO = 20
EXIT_PARTIAL = 75
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

WORST_FIRST = (
    EXIT_INTEGRITY,
    EXIT_DISCLOSURE,
    EXIT_TRUST,
    EXIT_CREDENTIAL,
    EXIT_GATE,
    EXIT_KEYS,
    EXIT_CONFLICT,
    EXIT_ENVIRONMENT,
    EXIT_PARTIAL,
)


def worst_exit(codes: list[int]) -> int:
    """The exit code that stands for several outcomes: the worst in the order of the product contract, else 0."""
    for code in WORST_FIRST:
        if code in codes:
            return code
    return EXIT_OK if all(code == EXIT_OK for code in codes) else max(codes)


class PersonactlError(Exception):
    """Base of all errors: what happened (`message`), `where`, what to do (`hint`), and the documented exit code."""

    code = "internal.error"
    exit_code = EXIT_BUG

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None, code: str | None = None):
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        if code is not None:
            self.code = code


class UsageProblem(PersonactlError):
    """The operator's command line, or a file the operator wrote, asks for something that cannot be done."""

    code = "usage.invalid"
    exit_code = EXIT_USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding in a text file. `line` and `column` count from 1; `quote` is the offending line, unescaped."""

    code: str
    message: str
    path: str
    line: int
    column: int
    quote: str = ""
    hint: str | None = None

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class ManifestError(UsageProblem):
    """A manifest with one or more problems, all of them reported at once."""

    code = "manifest.invalid"

    def __init__(self, problems: tuple[Problem, ...]):
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{first.message}{more}", where=first.where, hint=first.hint, code=first.code)
        self.problems = problems


class ConfigError(UsageProblem):
    """personactl.toml or a command-line value is missing or wrong."""

    code = "config.invalid"


class PersonaError(UsageProblem):
    """A persona record is missing, wrong, frozen where it must not be, or not frozen where it must be."""

    code = "persona.invalid"


class PolicyError(UsageProblem):
    """A policy file is unknown or malformed, or a policy refuses the plan."""

    code = "policy.invalid"


class NotAvailable(UsageProblem):
    """A documented feature that this version refuses instead of ignoring."""

    code = "feature.not-available"

    def __init__(self, feature: str, *, where: str | None = None):
        super().__init__(f"not available yet: {feature}", where=where, hint="remove it, or see CHANGELOG.md")


class GateError(PersonactlError):
    """Shots were rejected to the end of their attempts, or approvals are missing or negative."""

    code = "gate.not-met"
    exit_code = EXIT_GATE


class IntegrityError(PersonactlError):
    """Bytes are not the bytes that were recorded."""

    code = "integrity.altered"
    exit_code = EXIT_INTEGRITY


class TrustError(PersonactlError):
    """The signer is not trusted by the verifier's trust files, or none was given."""

    code = "trust.untrusted"
    exit_code = EXIT_TRUST


class CredentialError(PersonactlError):
    """No credential was found in the file."""

    code = "credential.absent"
    exit_code = EXIT_CREDENTIAL


class DisclosureError(PersonactlError):
    """A mark that must be in the output is missing or says the wrong thing."""

    code = "disclosure.missing"
    exit_code = EXIT_DISCLOSURE


class EnvironmentProblem(PersonactlError):
    """The machine lacks something: software, weights, a licence, space, permission."""

    code = "environment.unfit"
    exit_code = EXIT_ENVIRONMENT


class ExtraMissing(EnvironmentProblem):
    """An optional part of personactl is not installed."""

    code = "extra.missing"

    def __init__(self, extra: str, *, needed_for: str, missing: str):
        super().__init__(
            f"{needed_for} needs the [{extra}] extra ({missing} is not installed)",
            hint=f"pip install 'personactl[{extra}]'",
        )


class WeightsError(EnvironmentProblem):
    """Model files are missing, differ from their digest, or carry code or pickle."""

    code = "weights.invalid"


class LicenceError(EnvironmentProblem):
    """A model licence does not allow what the campaign declares."""

    code = "licence.refused"


class StorageError(EnvironmentProblem):
    """A full disk or a place that cannot be written."""

    code = "storage.unwritable"


class KeyProblem(PersonactlError):
    """A key or certificate is missing or breaks a rule, or a time-stamp service failed."""

    code = "keys.invalid"
    exit_code = EXIT_KEYS


class ConflictError(PersonactlError):
    """The world moved: stale plan, ledger moved, output name taken."""

    code = "conflict.stale"
    exit_code = EXIT_CONFLICT


class PartialError(PersonactlError):
    """Locked, or partly done; running the same command again is safe."""

    code = "run.partial"
    exit_code = EXIT_PARTIAL
