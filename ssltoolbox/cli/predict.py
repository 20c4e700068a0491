"""`ssltoolbox predict`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ssltoolbox.cli.common import FPS, LocalPath, print_first, print_passed_over, print_unused_gpu
from ssltoolbox.cli.data.detector import chosen_detector, detector_options, following_options
from ssltoolbox.cli.errors import DONE
from ssltoolbox.cli.output import libraries_loaded, new_console
from ssltoolbox.support.interruption import interruption_explained
from ssltoolbox.support.words import agreeing, counted

if TYPE_CHECKING:
    from rich.console import Console

    from ssltoolbox.data.extract.video import Cropping
    from ssltoolbox.engine.predict.gathered import Gathered
    from ssltoolbox.engine.predict.opening import Named
    from ssltoolbox.engine.predict.predictor import Predictor
    from ssltoolbox.engine.predict.results import PredictorMaker
    from ssltoolbox.engine.predict.run import Predicted
    from ssltoolbox.plan.detector import DetectorMaker


MOST_PROCESSES, MOST_ON_GPU = 8, 2
"""Unless the user names a number: each process has a copy of the network, and those on a GPU share its memory."""


@click.command()
@click.argument("run", type=LocalPath())
@click.argument("source", type=LocalPath())
@click.option(
    "-o",
    "--output",
    type=LocalPath(dir_okay=False),
    required=True,
    help="The table, such as out.parquet or out.csv.",
)
@click.option(
    "--head",
    "--task",
    "heads",
    multiple=True,
    metavar="TASK",
    help="The task whose head predicts, such as expression; may be repeated [all that RUN has].",
)
@click.option("--plot", type=LocalPath(dir_okay=False), help="Also draw curves over time, such as out.png.")
@click.option(
    "--video",
    type=LocalPath(dir_okay=False),
    help="Also write the video with boxes and labels, such as out.mp4; for a single video.",
)
@FPS
@following_options
@detector_options
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help=f"Number of processes [one for each core; at most {MOST_PROCESSES} for videos; {MOST_ON_GPU} on a GPU].",
)
def predict(
    run: Path,
    source: Path,
    output: Path,
    heads: tuple[str, ...],
    plot: Path | None,
    video: Path | None,
    fps: Fraction,
    scale: float,
    lost: float,
    cut: float,
    detect_size: int,
    detector: DetectorMaker,
    workers: int | None,
) -> int:
    """Predict labels of faces over time.

    The heads that `ssltoolbox evaluate` kept in RUN make the predictions. SOURCE is a video, a folder of
    videos, a folder of images of faces, or an index of frames. The table has a row for each face in each
    frame: its position and time, the probability of each class, and numbers such as valence. A video that
    can't be read is reported and skipped. Several videos are processed side by side; each process has its own
    copy of the network.

    \b
    Example:
        ssltoolbox evaluate runs/mine --tasks expression,valence_arousal
        ssltoolbox predict runs/mine talk.mp4 -o talk.parquet --plot talk.png
    """
    from ssltoolbox.data.extract.video import Cropping

    with libraries_loaded():
        from ssltoolbox.engine.predict.gathered import Gathered
        from ssltoolbox.engine.predict.opening import look_at
        from ssltoolbox.engine.predict.results import PredictorMaker
        from ssltoolbox.engine.predict.table import check_output

    check_output(output)
    named = look_at(source)
    _check_pictures(plot, video, named)
    if named.videos:
        chosen_detector(detector)
    make_predictor = PredictorMaker(run, heads)
    predictor = make_predictor()
    console = new_console(soft_wrap=True)
    print_unused_gpu(console)
    gathered = Gathered() if plot or video else None
    job = _Job(run, named, make_predictor, output, console, gathered, workers)
    if named.videos:
        cropping = Cropping(fps, predictor.image_size, scale, cut, lost, 0.0, detect_size)
        done = _of_videos(job, detector, cropping)
    else:
        done = _of_images(job, float(fps))
    with interruption_explained(_what_is_complete([output], [plot, video])):
        _print_left_out(done)
        print_passed_over(named.others)
        where = f" in {counted(done.sources, 'video')}" if named.videos else ""
        found = f"{counted(done.rows, 'row')} of {counted(done.faces, 'face')}{where}"
        console.print(f"{found} {agreeing(done.rows, 'is', 'are')} in {output}")
        _print_notes(predictor, console)
        if gathered and plot:
            _draw_curves(job, gathered, plot)
    if gathered and video:
        with interruption_explained(_what_is_complete([output, plot], [video])):
            _draw_video(job, gathered, video, fps)
    return DONE


@dataclass(frozen=True)
class _Job:
    """What the command does, with what."""

    run: Path
    named: Named
    make_predictor: PredictorMaker
    output: Path
    console: Console
    gathered: Gathered | None
    workers: int | None

    @property
    def predictor(self) -> Predictor:
        """The predictor of this process."""
        return self.make_predictor()

    @property
    def about(self) -> dict[str, Any]:
        """What a reader of the table should know."""
        cards = [network.card for network in self.predictor.networks]
        return {"run": self.run.name, "heads": [asdict(card) for card in cards]}


def _check_pictures(plot: Path | None, video: Path | None, named: Named) -> None:
    from ssltoolbox.api import UserError
    from ssltoolbox.engine.predict.overlay import check_video

    if plot and plot.suffix.lower() != ".png":
        raise UserError(f"{plot}: the curves are drawn as PNG", "end its name in .png")
    if video:
        check_video(video)
        if not named.is_video:
            raise UserError(f"{named.path} is not a video", "--video draws on a single one")
        if video.absolute() == named.path.absolute():
            raise UserError(f"{video} is the video itself", "give --video another name")


def _of_videos(job: _Job, maker: DetectorMaker, cropping: Cropping) -> Predicted:
    from ssltoolbox.data.extract.counts import FrameCounts, frames_shown
    from ssltoolbox.engine.predict.results import VideoWork, video_results
    from ssltoolbox.engine.predict.run import predict as predict_all
    from ssltoolbox.support.paths import printable
    from ssltoolbox.support.progress import ProgressLine

    videos = job.named.videos
    work = VideoWork(job.make_predictor, maker, cropping, job.gathered is not None)
    workers = job.workers or default_processes(job.predictor.device.type)
    shown, counts = ProgressLine(job.console, len(videos), "videos"), FrameCounts(len(videos))
    with frames_shown(shown, counts, [printable(video.name) for video in videos]) as tick:
        results = video_results(job.named, work, counts, workers, tick)
        return predict_all(results, job.predictor.outputs, job.output, job.about, gathered=job.gathered)


def default_processes(device: str) -> int:
    """How many processes predict on videos, with networks on this type of device: `cpu` or `cuda`."""
    from ssltoolbox.support.workers import cores

    return min(cores(), MOST_PROCESSES if device == "cpu" else MOST_ON_GPU)


def _of_images(job: _Job, fps: float) -> Predicted:
    from ssltoolbox.api.errors import and_of
    from ssltoolbox.engine.core.cores import shared_with, worker_count
    from ssltoolbox.engine.core.features import FeatureExtractor
    from ssltoolbox.engine.predict.opening import image_source
    from ssltoolbox.engine.predict.results import image_results
    from ssltoolbox.engine.predict.run import predict as predict_all
    from ssltoolbox.support.progress import progress

    predictor = job.predictor
    network = predictor.networks[0]
    workers = job.workers or worker_count(network.plan, network.backbone)
    reader = FeatureExtractor(network.backbone, network.view, predictor.device, workers)
    source = image_source(job.named.path, fps, reader.read)
    with shared_with(workers), progress(job.console, source.frames) as tick:
        results = [image_results(source, predictor, job.gathered is not None)]
        done = predict_all(results, predictor.outputs, job.output, job.about, tick, job.gathered)
    unreadable = [f"can't be read: {name}" for name in source.unreadable]
    print_first(unreadable, f"{len(unreadable):,} of {counted(source.frames, 'image')}")
    if source.left_out:
        unused = [counted(count, thing) for thing, count in source.left_out.items()]
        click.echo(f"not used: {and_of(unused)}", err=True)
    return done


def _what_is_complete(written: Sequence[Path | None], missing: Sequence[Path | None]) -> str:
    """The message if the command is stopped after the table was written; None is a file that was not requested."""
    complete = [str(path) for path in written if path]
    text = f"interrupted; {' and '.join(complete)} {agreeing(len(complete), 'is', 'are')} complete"
    others = " and ".join(str(path) for path in missing if path)
    return f"{text}; run the same command again for {others}" if others else text


def _print_notes(predictor: Predictor, console: Console) -> None:
    """What a reader must know of the data that the heads were fitted on."""
    from ssltoolbox.api.errors import and_of

    tasks: dict[str, list[str]] = {}
    for network in predictor.networks:
        tasks.setdefault(str(network.card.fitted_on.get("note", "")), []).append(network.card.task)
    for note, its in tasks.items():
        if note:
            console.print(f"about the data of {and_of(its)}: {note}")


def _draw_curves(job: _Job, gathered: Gathered, plot: Path) -> None:
    from ssltoolbox.engine.predict.curves import write_curves

    drawn = write_curves(gathered, job.predictor.outputs, plot)
    job.console.print(f"curves of {counted(drawn, 'face')} are in {plot}")


def _draw_video(job: _Job, gathered: Gathered, video: Path, fps: Fraction) -> None:
    from ssltoolbox.engine.predict.overlay import write_overlay
    from ssltoolbox.support.progress import progress

    with progress(job.console, 1, "video") as advance:
        write_overlay(
            job.named.path,
            video,
            gathered.curves,
            job.predictor.outputs,
            fps,
            lambda done, expected: advance(0, f"frame {done:,} of {expected:,}"),
        )
    job.console.print(f"the video with boxes and labels is {video}")


def _print_left_out(done: Predicted) -> None:
    failed = [f"can't be read: {name}: {reason}" for name, reason in done.failed]
    print_first(failed, f"{len(failed):,} left out")
    without_face = [f"no face: {name}" for name in done.without_face]
    print_first(without_face, f"{len(without_face):,} {agreeing(len(without_face), 'shows', 'show')} none")
