"""What went wrong on the way to the Hub, in a sentence for a person; never with a token in it."""

from huggingface_hub.constants import is_offline_mode
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)


def explain(error: Exception, repo: str, revision: str | None, missing: str) -> str:
    """Of an `error` on the way to `repo` at a `revision`; `missing` is what to say where it is not there."""
    match error:
        case GatedRepoError():
            return f"{repo} on the Hub is gated: ask for access on its page and set HF_TOKEN."
        case RepositoryNotFoundError():
            return missing
        case RevisionNotFoundError():
            return f"{repo} on the Hub has no branch, tag or commit {revision}."
        case LocalEntryNotFoundError() if is_offline_mode():
            return f"{repo} is not whole in the cache, and HF_HUB_OFFLINE keeps it from being fetched."
        case LocalEntryNotFoundError():
            return f"The Hub cannot be reached, and {repo} is not whole in the cache."
        case HfHubHTTPError():
            return f"The Hub answered {error.response.status_code} when asked for {repo}."
        case _:
            return f"{repo} could not be fetched from the Hub ({type(error).__name__})."
