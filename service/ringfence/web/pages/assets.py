"""The style sheet, the script and the icon: served under names that hold a digest of what is in them, so that a browser
keeps them for ever and never uses an old one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request

STATIC: Final = Path(__file__).parent / "static"

_TYPES: Final = MappingProxyType(
    {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
)
_A_YEAR: Final = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Asset:
    """One file in memory. `address` is where it is served, `digest` names its content."""

    address: str
    digest: str
    media_type: str
    content: bytes


@cache
def assets() -> Mapping[str, Asset]:
    """File name -> asset."""
    found = {}
    for path in sorted(STATIC.iterdir()):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            digest = blake2b(content, digest_size=8).hexdigest()
            address = f"/static/{path.stem}.{digest}{path.suffix}"
            found[path.name] = Asset(address, digest, _TYPES[path.suffix], content)
    return MappingProxyType(found)


def address_of(name: str) -> str:
    """Where a page finds the file."""
    return assets()[name].address


def routes() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    by_address = {asset.address: asset for asset in assets().values()}

    @router.get("/static/{name}")
    async def static(request: Request, name: str) -> Response:
        """Open to all: a sign-in page needs it too, and there is nothing in it but what the repository shows."""
        asset = by_address.get(f"/static/{name}")
        if asset is None:
            raise HTTPException(404)
        headers = {
            "Cache-Control": f"public, max-age={_A_YEAR}, immutable",
            "ETag": f'"{asset.digest}"',
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(asset.content, media_type=asset.media_type, headers=headers)

    return router
