"""Settings: the only reader of the environment. Numbers of the domain stand in rules, policies and budgets."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, Self, TextIO, get_args

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

CHECKOUT = Path(__file__).resolve().parent.parent


_POSTGRESQL = re.compile(r"postgres(ql)?(\+\w+)?://", re.IGNORECASE)
_SECURE = re.compile(r"https://|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)")
_HOST = r"([\w.-]+|\[[\da-f:.]+\])(:\d+)?"
_SEVERAL_HOSTS = re.compile(rf"{_HOST}(,{_HOST})+", re.ASCII | re.IGNORECASE)


def default_home() -> Path:
    """`.pemudik` in the checkout that this code runs from; for an installed wheel, in the current folder."""
    folder = CHECKOUT if (CHECKOUT / "pyproject.toml").exists() else Path.cwd()
    return folder / ".pemudik"


class SettingsUnusable(Exception):  # noqa: N818 - said to an operator, who reads it as a sentence
    """A file that a setting names cannot be read. The message says which, and holds nothing of what is in it."""


class SecretFiles(PydanticBaseSettingsSource):
    """Secrets as container platforms hand them out: `PEMUDIK_INDEX_KEY_FILE` is the path of a file that holds the value
    of `PEMUDIK_INDEX_KEY`. Blanks and line ends around the value do not count. Raises `SettingsUnusable`.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        key, *_ = names = _variables(field_name, field)
        named = [name for name in names if f"{name}_FILE" in os.environ] if _is_secret(field) else []
        given = [name for name in names if name in os.environ]
        if not named:
            return None, key, False
        if len(given) + len(named) > 1:
            both = " and ".join([*given, *(f"{name}_FILE" for name in named)])
            raise SettingsUnusable(f"{both} are set: set only one of them.")
        return _content(f"{named[0]}_FILE"), key if field.validation_alias else field_name, False

    def __call__(self) -> dict[str, Any]:
        found = [self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items()]
        return {key: value for value, key, _ in found if value is not None}


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in {field.annotation, *get_args(field.annotation)}


def _content(variable: str) -> str:
    path = Path(os.environ[variable])
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsUnusable(f"{variable}: {path} cannot be read: {why}.") from None


def format_of(output: TextIO) -> Literal["console", "json"]:
    """A line for people takes three times as long to write."""
    return "console" if output.isatty() else "json"


class Settings(BaseSettings):
    """Every variable is `PEMUDIK_<NAME>`; `DATABASE_URL`, `HOST`, `PORT` and `WEB_CONCURRENCY` are read as well.

    A secret may stand in a file: see `SecretFiles`.
    """

    model_config = SettingsConfigDict(env_prefix="PEMUDIK_", extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("PEMUDIK_DATABASE_URL", "DATABASE_URL")
    )
    """PostgreSQL 15 or later, `postgresql://…`, with one host or several. None: an embedded one in `home`."""
    home: Path = Field(default_factory=default_home)
    """What the embedded default keeps: the database, the key file, the demo's credentials."""
    host: str = Field(default="127.0.0.1", validation_alias=AliasChoices("PEMUDIK_HOST", "HOST"))
    port: int | None = Field(default=None, ge=1, le=65535, validation_alias=AliasChoices("PEMUDIK_PORT", "PORT"))
    """None: 8000, or the next free one."""
    public_url: str | None = None
    """The URL by which clients call us, `https://…` without a final slash: OAuth issuer and audience of tokens."""
    workers: int = Field(default=1, ge=1, le=64, validation_alias=AliasChoices("PEMUDIK_WORKERS", "WEB_CONCURRENCY"))
    pool_size: int = Field(default=8, ge=2, le=100)
    """Database connections of each worker process for transactions, and as many again for NIK checks."""

    index_key: SecretStr | None = None
    """32 bytes in base64: the key of the NIKs' blind index. It never changes, as blocks outlive the NIKs."""
    data_keys: SecretStr | None = None
    """`id:base64,id:base64`, ids 1 to 255, 32 bytes each: they open NIKs and names. The first one seals new values."""
    signing_keys: SecretStr | None = None
    """A JWK Set of private EC P-256 keys. The first one signs access tokens."""

    log_format: Literal["console", "json"] = Field(default_factory=lambda: format_of(sys.stdout))
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    body_limit: int = Field(default=4 * 1024 * 1024, ge=1024)
    """Bytes of one request's body."""
    body_timeout: float = Field(default=10, gt=0)
    """Seconds within which a request's body must have arrived."""
    upload_timeout: float = Field(default=120, gt=0)
    """Seconds within which a file must have arrived."""
    import_storage: int = Field(default=1024 * 1024 * 1024, ge=1024 * 1024)
    """Bytes of import files that are kept of one organizer, for 30 days after their end."""
    request_timeout: float = Field(default=30, gt=0)
    """Seconds for one GraphQL operation."""
    backups: Path | None = None
    """The folder of `pemudik backup`, where `pemudik doctor --production` looks how old the newest one is."""
    duties: bool = True
    """Whether this server may do the duties of the registry: forfeit, mark no-shows, purge, count, send webhooks; and
    whether it works off files.
    """
    alarm_cuts_allowance: bool = False
    """Whether an alarm about an organizer that walks through NIKs ends its allowance of that day by itself."""
    trusted_proxies: str = ""
    """`10.0.0.0/8,::1`: the proxies before this server, whose X-Forwarded-For says who called them."""
    open_schema: bool = False
    """Whether every client may read the schema, by introspection and `_service`. A demo says yes."""
    webhooks_to_private: bool = False
    """For tests only: webhooks may be sent to any address, also by plain http."""

    oidc_issuer: str | None = None
    """The OpenID provider whose accounts sign in to the pages, as it calls itself in `iss`. None: links alone."""
    oidc_client_id: str | None = None
    """What the provider calls us."""
    oidc_client_secret: SecretStr | None = None
    """None: we are a public client there; PKCE is used either way."""

    with_test: bool = False
    """Whether organizers have test registries under `/uji`."""
    uji_database_url: SecretStr | None = None
    """The database that lists the test registries, on a server where its role may create databases. None: the embedded
    server has one.
    """

    metrics_token: SecretStr | None = Field(default=None, min_length=16)
    """A bearer token for `/metrics` that needs no database, beside those of clients with `dashboard:read`."""
    prometheus_multiproc_dir: Path | None = Field(default=None, validation_alias="PROMETHEUS_MULTIPROC_DIR")
    """Where several processes count together; prometheus_client reads it too. `pemudik serve --workers` makes one."""
    otlp_endpoint: str | None = None
    """`http://…` of an OpenTelemetry collector (OTLP over HTTP). None: no traces. Needs the extra `otel`."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource, **more: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (*sources, *more.values(), SecretFiles(settings_cls))

    @field_validator("database_url", "uji_database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        """Another database would be asked for an answer that never comes."""
        if url is not None and not _POSTGRESQL.match(url.get_secret_value()):
            raise ValueError("only PostgreSQL is used: a URL such as postgresql://user:password@host/database")
        hosts = "" if url is None else url.get_secret_value().partition("://")[2].partition("/")[0].rpartition("@")[2]
        if "," in hosts and not _SEVERAL_HOSTS.fullmatch(hosts):
            raise ValueError("several hosts are names or addresses: postgresql://user@h1:5432,h2:5432/database")
        return url

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        try:
            _networks(text)
        except ValueError:
            raise ValueError("addresses or networks, separated by commas: 10.0.0.0/8,::1") from None
        return text

    @field_validator("oidc_issuer")
    @classmethod
    def _is_secure(cls, issuer: str | None) -> str | None:
        """Whoever stands between us and a provider without TLS signs in as anybody."""
        if issuer is not None and not _SECURE.match(issuer):
            raise ValueError("an address with https://, or http:// on this machine itself")
        return issuer

    @model_validator(mode="after")
    def _is_known_to_the_provider(self) -> Self:
        if self.oidc_issuer is not None and self.oidc_client_id is None:
            raise ValueError("PEMUDIK_OIDC_ISSUER needs PEMUDIK_OIDC_CLIENT_ID beside it")
        return self

    @property
    def networks_of_proxies(self) -> Sequence[IPv4Network | IPv6Network]:
        return _networks(self.trusted_proxies)

    @property
    def key_file(self) -> Path:
        return self.home / "keys.json"

    @property
    def issuer(self) -> str:
        """The URL by which clients call us, without a final slash."""
        return self.public_url.rstrip("/") if self.public_url else f"http://127.0.0.1:{self.port or 8000}"


def environment(**more: str) -> dict[str, str]:
    """For a program that is started: what this process has, and more."""
    return os.environ | more


def _networks(text: str) -> list[IPv4Network | IPv6Network]:
    """Raises `ValueError`."""
    return [ip_network(one.strip()) for one in text.split(",") if one.strip()]


def faults(error: ValidationError) -> list[str]:
    """What is wrong with each setting, under the name of the variable that sets it. No value is repeated."""
    return [
        f"{_variable(str(wrong['loc'][0]))}: {wrong['msg'].removeprefix('Value error, ')}" for wrong in error.errors()
    ]


def _variable(place: str) -> str:
    """The variable that a fault is about: of those that may set it, the one that is set."""
    for name, field in Settings.model_fields.items():
        names = _variables(name, field)
        if place in {name, *names}:
            return next((one for one in names if one in os.environ), names[0])
    return place


def _variables(name: str, field: FieldInfo) -> list[str]:
    """What may set a field, first to last."""
    aliases = field.validation_alias
    if isinstance(aliases, AliasChoices):
        return [str(one) for one in aliases.choices]
    return [str(aliases or f"PEMUDIK_{name}".upper())]
