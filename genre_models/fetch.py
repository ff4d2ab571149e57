"""A file from the web, for a caller who gives an address instead of uploading one: public, and bounded."""

import asyncio
import ipaddress
import shutil
import tempfile
from pathlib import Path, PurePosixPath

import httpx

MAX_SECONDS = 60
MAX_REDIRECTS = 5
MAX_NAME = 80  # characters

UNREACHABLE = "The file at this address could not be fetched; please upload it instead."
NOT_PUBLIC = "This address is not one of the public web; please upload the file instead."


class FetchError(ValueError):
    """An address that gives no file; the message is a sentence for a person."""


async def fetch(address: str, folder: Path, max_bytes: float) -> Path:
    """Download a file into a new folder in `folder`, counting bytes on the way. Raises FetchError."""
    own_folder = Path(tempfile.mkdtemp(dir=folder))
    try:
        async with asyncio.timeout(MAX_SECONDS):
            return await _download(httpx.URL(address), own_folder, max_bytes)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError) as error:
        shutil.rmtree(own_folder, ignore_errors=True)
        raise error if isinstance(error, FetchError) else FetchError(UNREACHABLE) from None


async def _download(url: httpx.URL, folder: Path, max_bytes: float) -> Path:
    for _ in range(MAX_REDIRECTS):
        # Asked is the very address that was looked at, whatever the name stands for a moment later.
        place = url.copy_with(host=await public_address(url.host))
        headers = {"Host": url.netloc.decode(), "Accept-Encoding": "identity"}
        async with (
            httpx.AsyncClient(trust_env=False) as client,
            client.stream("GET", place, headers=headers, extensions={"sni_hostname": url.host}) as response,
        ):
            if not response.has_redirect_location:
                response.raise_for_status()
                target = folder / (PurePosixPath(url.path).name[-MAX_NAME:] or "file")
                await _save(response, target, max_bytes)
                return target
            url = url.join(response.headers["Location"])
    raise FetchError(UNREACHABLE)


async def _save(response: httpx.Response, target: Path, max_bytes: float) -> None:
    received = 0
    with target.open("wb") as file:
        async for chunk in response.aiter_raw():
            received += len(chunk)
            if received > max_bytes:
                raise FetchError(f"The file at this address has more than {max_bytes / 1e6:.0f} MB.")
            file.write(chunk)


async def public_address(host: str) -> str:
    """An IP address of `host`. Raises FetchError if any of them is not one of the public web."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None)
    addresses = [str(entry[4][0]) for entry in found]
    if not all(ipaddress.ip_address(address).is_global for address in addresses):
        raise FetchError(NOT_PUBLIC)
    return addresses[0]
