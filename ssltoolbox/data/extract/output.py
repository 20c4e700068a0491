"""The tree of frames that videos are extracted to, on this machine or on remote storage.

It also has `left_out.csv`, which lists each file without a clip and the reason, and the folder `.extract/`. That
has `settings.json`, the options; `videos/<identity>/<video>.json`, the result of each video; and, while a video is
processed, its clips. For a tree on remote storage, these clips are on this machine.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ssltoolbox.api import UserError
from ssltoolbox.data.extract.video import Extracted
from ssltoolbox.data.extract.videos import Video
from ssltoolbox.support.files import json_bytes, own_name, write_bytes, write_csv
from ssltoolbox.support.paths import printable
from ssltoolbox.support.remote import RemoteFolder

_WORK, _PARTS, _VIDEOS = ".extract", "parts", "videos"
_SETTINGS, _RECORDS = f"{_WORK}/settings.json", f"{_WORK}/{_VIDEOS}"
LEFT_OUT = "left_out.csv"


@dataclass(frozen=True)
class VideoResult:
    """The result of a video that was processed.

    Attributes:
        video: its path.
        stamp: size in bytes and modification time, to recognise another file of the same name.
        extracted: counts of its clips and frames.
        error: why the video can't be used; empty if it can.
    """

    video: str
    stamp: tuple[int, int]
    extracted: Extracted
    error: str = ""

    @property
    def reason(self) -> str:
        """Why the video has no clip; empty if it has some."""
        return self.error or self.extracted.reason


class FramesFolder:
    """The folder of the frames, and the results of the videos that were processed.

    Attributes:
        path: the folder, or for a tree on remote storage the one that its clips are made in.
        name: of the folder, for messages.
        work: for locks, and for clips until their video is done.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.name = printable(self.path)
        self.work = self.path / _WORK

    def take(self, settings: Mapping[str, Any]) -> None:
        """Claims the folder for frames that are extracted with these settings.

        Raises:
            UserError: if it has other content, or frames that were extracted with other settings.
        """
        stored = self._read(_SETTINGS)
        if stored is not None and self._begun():
            self._refuse_others(json.loads(stored), settings)
            return
        if not self._is_empty():
            raise UserError(
                f"{self.name} is not empty, and what is in it was not made by data extract",
                "name another folder",
            )
        self._write(_SETTINGS, json_bytes(settings))

    def clips(self, video: Video) -> str:
        """The folder of a video's clips, for messages."""
        return f"{self.name}/{printable(video.identity)}/{printable(video.name)}"

    def part(self, video: Video) -> Path:
        """The folder of a video's clips until the video is done, for this process alone."""
        return self.work / _PARTS / own_name() / video.identity / video.name

    def outcome(self, video: Video) -> VideoResult | None:
        """The stored result of a video; None if it was not finished, had an error, or the file has changed.

        Raises:
            UserError: if another video of that name was processed.
        """
        content = self._read(_record(video))
        if content is None:
            return None
        stored = json.loads(content)
        outcome = VideoResult(
            stored["video"], tuple(stored["stamp"]), Extracted(**stored["extracted"]), stored["error"]
        )
        if outcome.error:
            return None
        stamp = stamp_of(video.path)
        if outcome.stamp != stamp and outcome.video != str(video.path):
            raise UserError(
                f"{self.clips(video)} is from {printable(outcome.video)}, "
                f"and {printable(video.path)} would take its place",
                "rename one, choose another --identity, or another folder",
            )
        return outcome if outcome.stamp == stamp else None

    def keep(self, video: Video, outcome: VideoResult) -> None:
        """Moves the clips of a video to their folder, and records the result."""
        self._move_clips(video, some=outcome.extracted.clips > 0)
        self._write(_record(video), json_bytes(asdict(outcome)))

    def finish(self, outcomes: Sequence[VideoResult], others: Sequence[Path]) -> None:
        """Writes `left_out.csv`, each video without a clip and each file of another type, and tidies up."""
        rows = [(printable(outcome.video), outcome.reason) for outcome in outcomes if outcome.reason]
        rows += [(printable(path), f"another type: {path.suffix or 'none'}") for path in others]
        shutil.rmtree(self.work / _PARTS, ignore_errors=True)
        write_csv(self.path / LEFT_OUT, ("path", "reason"), rows)

    def _refuse_others(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        changed = [
            f"{key} {_shown(before.get(key))} there, {_shown(now.get(key))} now"
            for key in sorted({*before, *now})
            if before.get(key) != now.get(key)
        ]
        if changed:
            raise UserError(
                f"{self.name} holds frames that were extracted in another way: {'; '.join(changed)}",
                "name another folder, or the same options",
            )

    def _begun(self) -> bool:
        """Whether a video was finished, or is under way in another process."""
        return any((self.work / name).exists() for name in (_VIDEOS, _PARTS))

    def _is_empty(self) -> bool:
        return all(entry.name.startswith(".") for entry in self.path.iterdir())

    def _read(self, name: str) -> bytes | None:
        """What a file has; None if there is no such file."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        write_bytes(self.path / name, content)

    def _move_clips(self, video: Video, some: bool) -> None:
        clips = self.path / video.identity / video.name
        if clips.exists():
            shutil.rmtree(clips)
        if some:
            clips.parent.mkdir(parents=True, exist_ok=True)
            os.rename(self.part(video), clips)


class RemoteFramesFolder(FramesFolder):
    """A tree of frames on remote storage. What was processed is recorded there, so any machine can continue."""

    def __init__(self, remote: RemoteFolder) -> None:
        super().__init__(remote.work)
        self.name = remote.url
        self._remote = remote

    def __reduce__(self) -> tuple[type[RemoteFramesFolder], tuple[RemoteFolder]]:
        """Without the results: they may be many, and processes that extract do not need them."""
        return RemoteFramesFolder, (self._remote,)

    def finish(self, outcomes: Sequence[VideoResult], others: Sequence[Path]) -> None:
        super().finish(outcomes, others)
        self._remote.put([self.path / LEFT_OUT])
        shutil.rmtree(self.path)

    @cached_property
    def _stored(self) -> dict[str, bytes]:
        """What the files in `.extract/` have, which are read at once."""
        names = self._remote.names_in(_WORK)
        return dict(zip(names, self._remote.contents(names), strict=True))

    def _begun(self) -> bool:
        return any(name.startswith(f"{_RECORDS}/") for name in self._stored) or super()._begun()

    def _is_empty(self) -> bool:
        return self._remote.is_empty()

    def _read(self, name: str) -> bytes | None:
        return self._stored.get(name)

    def _write(self, name: str, content: bytes) -> None:
        self._remote.write(name, content)

    def _move_clips(self, video: Video, some: bool) -> None:
        folder, part = f"{video.identity}/{video.name}", self.part(video)
        self._remote.remove(folder)
        if some:
            files = sorted(path for path in part.rglob("*") if path.is_file())
            self._remote.put_all({f"{folder}/{path.relative_to(part).as_posix()}": path for path in files})
        shutil.rmtree(part, ignore_errors=True)


def _shown(setting: Any) -> str:
    """A setting, for messages; a component by its name and options, as in a recipe."""
    if not isinstance(setting, Mapping):
        return str(setting)
    options = "".join(f", {name}: {json.dumps(value)}" for name, value in setting["options"].items())
    return f"{{name: {setting['name']}{options}}}"


def _record(video: Video) -> str:
    """The path of a video's result below the folder."""
    return f"{_RECORDS}/{video.identity}/{video.name}.json"


def stamp_of(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds; zeros for a file that has vanished."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns
