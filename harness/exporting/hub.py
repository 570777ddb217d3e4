"""An exported folder on the hub, by the hub's own client."""

from __future__ import annotations

from pathlib import Path

from harness.checks import REPOSITORY
from harness.errors import HarnessError, gist


def check_hub(repo: str) -> None:
    """HarnessError for what is no name of a repository, or where nobody is logged in, before anything is written."""
    if not REPOSITORY.fullmatch(repo):
        raise HarnessError(f"--hub {repo!r:.80} is no name of a repository; write USER/NAME")
    from huggingface_hub import get_token

    if not get_token():
        raise HarnessError(
            "nobody is logged in to the hub; set HF_TOKEN, or leave --hub out and upload the folder later"
        )


def upload(folder: Path, repo: str, *, private: bool = True) -> str:
    """Puts what is in `folder` into the model repository `repo`, made if need be; its address."""
    from huggingface_hub import HfApi

    check_hub(repo)
    try:
        api = HfApi()
        made = api.create_repo(repo, repo_type="model", private=private, exist_ok=True)
        api.upload_folder(repo_id=repo, folder_path=folder, repo_type="model", commit_message="Add an adapter")
    except Exception as error:
        raise HarnessError(f"the hub did not take {repo}: {gist(error)}; the folder {folder} is whole") from error
    return str(made)
