"""Uploads an exported network to the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.engine.inspect.export import export

PREFIX = "hf:"


def push(run: Path, target: str, private: bool = False) -> str:
    """Exports a run as a folder and uploads it; a repository that is there gets a new commit.

    Args:
        run: the folder of a finished run.
        target: `hf:OWNER/NAME`, or `hf:NAME` for the account that is logged in.
        private: whether a new repository is private.

    Returns:
        The address of the repository.

    Raises:
        UserError: where there is no such run, where timm can't open its network, or where the name is not valid.
        SslToolboxError: where the hub refuses it or can't be reached.
    """
    name = _name(target)
    with TemporaryDirectory() as folder:
        # Named after the repository, since the card's code names it.
        output = Path(folder) / name.rpartition("/")[2]
        export(run, output, "folder")
        try:
            api = HfApi()
            repository = api.create_repo(name, private=private, exist_ok=True)
            api.upload_folder(
                repo_id=repository.repo_id, folder_path=output, commit_message="Upload from ssltoolbox"
            )
        except HfHubHTTPError as error:
            raise SslToolboxError(
                f"the hub refuses {name}: {first_line(error)}; log in with: hf auth login"
            ) from error
        # The errors of a connection have another type in each version of the client.
        except Exception as error:
            raise SslToolboxError(
                f"can't upload to {constants.ENDPOINT}: {first_line(error)}; check the connection, and run the "
                "same command again"
            ) from error
    return str(repository)


def _name(target: str) -> str:
    """The repository that a target names.

    Raises:
        UserError: where it is none.
    """
    name = target.removeprefix(PREFIX)
    try:
        if not target.startswith(PREFIX):
            raise HFValidationError("it does not begin with hf:")
        validate_repo_id(name)
    except HFValidationError as error:
        raise UserError(
            f"{target!r} does not name a repository on the hub: {first_line(error)}",
            "write hf:OWNER/NAME",
        ) from error
    return name
