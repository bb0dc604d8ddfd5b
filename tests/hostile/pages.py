"""The addresses of the pages, and the cookie that a browser sends: by somebody who is not signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from app.auth.callers import PLAIN_COOKIE
from app.web import assets
from app.web.menu import PAGES as MENU
from app.web.oidc import FINISH_PATH
from app.web.oidc import PATH as PROVIDER_PATH
from app.web.signing import LINK_PATH, SIGN_IN_PATH, SIGN_OUT_PATH
from app.web.words import COOKIE as LANGUAGE_COOKIE
from tests.hostile.documents import aliases
from tests.hostile.plain import numbered
from tests.hostile.sending import Hostile, Sent, always, got, graphql, posted
from tests.hostile.values import foreign

FROM_OUR_PAGE = {"host": "registry.test", "origin": "http://registry.test"}
FIRST = MENU[0].path
REFUSED_LINK = ("410 LINK_ENDED", "410 LINK_ENDED", "413 CONTENT_TOO_LARGE")


def shown(path: str, **headers: str) -> Sent:
    return replace(got(path, **headers), anonymous=True)


def sent(path: str, content: object, **headers: str) -> Sent:
    """By a script of a page of ours."""
    return replace(posted(path, content, **(FROM_OUR_PAGE | headers)), anonymous=True)


def cookies(count: int) -> str:
    return "; ".join(f"k{number}=x" for number in range(count))


def each(
    paths: Iterable[str], name: str, of: Callable[[str, int], Sent], size: int, told: tuple[str, str, str]
) -> tuple[Hostile, ...]:
    return tuple(Hostile(f"{path}: {name}", partial(of, path), size, told) for path in paths)


def everywhere(name: str, of: Callable[[str, int], Sent], size: int) -> tuple[Hostile, ...]:
    """At each address under which there is a page. All but that of signing in send a stranger to sign in."""
    pages = [page.path for page in MENU]
    return each([SIGN_IN_PATH], name, of, size, always("200")) + each(pages, name, of, size, always("303"))


SHOWN = (
    *everywhere("parameters", lambda path, n: shown(f"{path}?{numbered(n)}"), 100),
    *everywhere("many cookies", lambda path, n: shown(path, cookie=cookies(n)), 500),
    *everywhere(
        "a cookie of escapes",
        lambda path, n: shown(path, cookie=f'{LANGUAGE_COOKIE}="' + r"\"" * n + '"'),
        2_000,
    ),
    *everywhere("a long session", lambda path, n: shown(path, cookie=f"{PLAIN_COOKIE}={'x' * n}"), 4_000),
    Hostile(
        "a page: the session again and again",
        lambda n: shown(FIRST, cookie="; ".join([f"{PLAIN_COOKIE}=x"] * n)),
        500,
        always("303"),
    ),
    *each(
        [page.path for page in MENU if page.one is not None and page.named == "uuid"],
        "one with a long id",
        lambda path, n: shown(f"{path}/{'0' * n}"),
        500,
        always("404 NOT_FOUND"),
    ),
    *each(
        [page.path for page in MENU if page.one is not None and page.named == "str"],
        "one with a long code",
        lambda path, n: shown(f"{path}/{'0' * n}"),
        500,
        always("303"),
    ),
    Hostile(
        "the front page: what a browser accepts",
        lambda n: shown("/", accept="text/html," + ",".join(f"a/b{i}" for i in range(n))),
        500,
        always("303"),
    ),
    Hostile("the guide: a long page", lambda n: shown(f"/panduan/{'x' * n}"), 1_000, always("404 NOT_FOUND")),
    Hostile("the guide: dots", lambda n: shown(f"/panduan/{'..%2f' * n}tujuan"), 200, always("404 NOT_FOUND")),
    Hostile("a client: dots", lambda n: shown(f"/panduan/klien/{'..%2f' * n}tujuan"), 200, always("404 NOT_FOUND")),
    Hostile("a client: a long path", lambda n: shown(f"/panduan/klien/{'x/' * n}"), 500, always("404 NOT_FOUND")),
    Hostile("the guide: parameters", lambda n: shown(f"/panduan/cari.json?{numbered(n)}"), 100, always("200")),
    Hostile("an asset: a long name", lambda n: shown(f"{assets.BASE}/{'x' * n}.js"), 500, always("404 NOT_FOUND")),
    Hostile("an asset: a long digest", lambda n: shown(f"/assets/{'0' * n}/api.js"), 500, always("404 NOT_FOUND")),
    Hostile(
        "an asset: how it can be packed",
        lambda n: shown(f"{assets.BASE}/api.js", accept_encoding=",".join(f"x{i}" for i in range(n))),
        500,
        always("200"),
    ),
)

ID = "00000000-0000-0000-0000-000000000000"
SHOWN += (
    *each(
        [f"{page.path}/{ID}" for page in MENU if page.one is not None and page.named == "uuid"],
        "parameters",
        lambda path, n: shown(f"{path}?{numbered(n)}"),
        100,
        always("303"),
    ),
    *each(
        ["/panduan", PROVIDER_PATH],
        "parameters",
        lambda path, n: shown(f"{path}?{numbered(n)}"),
        100,
        always("200"),
    ),
    Hostile(
        "the provider's answer: a long state",
        lambda n: shown(f"{PROVIDER_PATH}?code={'x' * n}&state={'x' * n}"),
        2_000,
        always("200"),
    ),
)

PROVIDER = (
    Hostile(
        "an account: begun by another page",
        lambda n: sent(PROVIDER_PATH, {}, origin="http://" + "x" * n),
        4_000,
        always("403 FOREIGN_ORIGIN"),
    ),
    Hostile(
        "an account: begun with a long form",
        lambda n: replace(sent(PROVIDER_PATH, b"x" * n), headers=FROM_OUR_PAGE | {"content-type": "text/plain"}),
        100_000,
        always("415 UNSUPPORTED_MEDIA_TYPE"),
    ),
    Hostile(
        "an account: a long state",
        lambda n: sent(FINISH_PATH, {"code": "x", "state": "x" * n}),
        2_500,
        ("403 SIGN_IN_ENDED", "403 SIGN_IN_ENDED", "413 CONTENT_TOO_LARGE"),
    ),
    Hostile(
        "an account: a long beginning",
        lambda n: sent(FINISH_PATH, {"code": "x", "state": "x"}, cookie=f"{PLAIN_COOKIE}-masuk={'a.' * n}a"),
        1_000,
        always("403 SIGN_IN_ENDED"),
    ),
    Hostile(
        "an account: a nested code",
        lambda n: sent(FINISH_PATH, b'{"code":' + b"[" * n + b"]" * n + b"}"),
        60,
        always("400 BAD_REQUEST"),
    ),
)

LINKS = (LINK_PATH, SIGN_IN_PATH)
SIGNING = (
    *each(LINKS, "a long link", lambda path, n: sent(path, {"token": "x" * n}), 250, REFUSED_LINK),
    *each(
        LINKS,
        "a nested link",
        lambda path, n: sent(path, b'{"token":' + b"[" * n + b"]" * n + b"}"),
        60,
        always("400 BAD_REQUEST"),
    ),
    *each(LINKS, "unknown keys", lambda path, n: sent(path, {"token": "x"} | foreign(n)), 8, REFUSED_LINK),
    *each(
        LINKS,
        "a link with parameters",
        lambda path, n: sent(f"{path}?{numbered(n)}", {"token": "x"}),
        100,
        always("400 BAD_REQUEST"),
    ),
    *each(
        LINKS,
        "a long origin",
        lambda path, n: sent(path, {"token": "x"}, origin="http://" + "x" * n),
        4_000,
        always("403 FOREIGN_ORIGIN"),
    ),
    *each(
        LINKS,
        "a body beyond the bound",
        lambda path, n: sent(path, b"x" * n),
        500_000,
        always("413 CONTENT_TOO_LARGE"),
    ),
    Hostile("signing out: many cookies", lambda n: sent(SIGN_OUT_PATH, {}, cookie=cookies(n)), 500, always("200")),
    Hostile(
        "signing out: a long session",
        lambda n: sent(SIGN_OUT_PATH, {}, cookie=f"{PLAIN_COOKIE}={'x' * n}"),
        4_000,
        always("200"),
    ),
    Hostile(
        "signing out: parameters", lambda n: sent(f"{SIGN_OUT_PATH}?{numbered(n)}", {}), 100, always("400 BAD_REQUEST")
    ),
    Hostile(
        "GraphQL by a page: a long session",
        lambda n: replace(
            graphql(
                f"{{ {aliases(n, 'me { id }')} }}", headers=FROM_OUR_PAGE | {"cookie": f"{PLAIN_COOKIE}={'x' * n}"}
            ),
            anonymous=True,
        ),
        4_000,
        always("401 SESSION_ENDED"),
    ),
)
