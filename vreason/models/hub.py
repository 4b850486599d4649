"""Whether the Hugging Face hub answers, asked once and not for long.

transformers' own calls try again five times, with growing pauses, for every file: half a minute passes before a machine without a network
hears of it.
"""

from __future__ import annotations

import threading
from typing import Any

from vreason.errors import UnsupportedModelError

SECONDS = 4.0  # looking up the name of the hub is not bounded by a client's own timeout


def hub_fault(model_id: str, revision: str | None) -> str | None:
    """Why the hub does not answer; None when it has answered, and not that it lacks this model: what is wrong with another answer, such as
    that of a mirror which only has files, shows when files are fetched.

    Args:
        model_id: a repository, "owner/name".
        revision: branch, tag or commit; None for the newest.

    Raises:
        UnsupportedModelError: it has answered that there is no such repository or revision, or none for this user.
    """
    answers: list[Any] = []
    asking = threading.Thread(target=_ask, args=(model_id, revision, answers), name="hub", daemon=True)
    asking.start()
    asking.join(SECONDS)
    answer = answers[0] if answers else TimeoutError(f"no answer within {SECONDS:g} s")
    if answer is None:
        return None
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(answer, HFValidationError):
        raise UnsupportedModelError(f"model.id {model_id!r} is no folder here, and no name that the hub could have: {_first(answer)}")
    if isinstance(answer, RevisionNotFoundError):
        raise UnsupportedModelError(
            f"model.revision {revision!r}: the hub has {model_id!r}, but not this revision; see its list of commits"
        )
    if isinstance(answer, RepositoryNotFoundError):
        raise UnsupportedModelError(
            f"model.id {model_id!r}: the hub has no such repository, or not for you; check the name, and log in (`hf auth login`) where"
            " it is private or gated"
        )
    return None if isinstance(answer, HfHubHTTPError) else _first(answer)


def _ask(model_id: str, revision: str | None, answers: list[Any]) -> None:
    try:
        from huggingface_hub import HfApi

        HfApi().model_info(model_id, revision=revision, timeout=SECONDS)
    except Exception as error:  # the hub's client, its HTTP library, or the operating system
        answers.append(error)
    else:
        answers.append(None)


def _first(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
