"""Making the images of one request: its inputs, what is stored of the answer."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.cache import MADE_FROM, Missing, StoredImage
from mkdocs_genimage.errors import Billed, CacheError, GenimageError, ProviderError
from mkdocs_genimage.inventory import cache_files
from mkdocs_genimage.log import log
from mkdocs_genimage.request import KEY_CHARS_IN_NAME, BlockInput, InputFile, variant_stem
from mkdocs_genimage.sending import server_name
from mkdocs_genimage.turns import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mkdocs_genimage.cache import Cache
    from mkdocs_genimage.job import Job
    from mkdocs_genimage.journal import Journal
    from mkdocs_genimage.providers import Answer, Provider
    from mkdocs_genimage.request import ImageRequest
    from mkdocs_genimage.sending import Sender
    from mkdocs_genimage.turns import Turns

PARALLEL_STORES = 3
"""A 4K picture takes 8 MB until it is stored; few at a time bound the memory of a build."""


class Maker:
    """Makes the images of requests, one after another in each thread that calls it.

    Args:
        provider: who makes them.
        cache: where they go.
        sender: sends the requests.
        journal: outlives this process.
        turns: who may send. A job that is given to `make` has its turn, which ends there.
        jobs_of: the jobs under way or done for a key.
        wait_for: waits for jobs whose pictures another one is made from.
    """

    def __init__(
        self,
        provider: Provider,
        cache: Cache,
        sender: Sender,
        journal: Journal,
        *,
        turns: Turns[Job],
        jobs_of: Callable[[str], Sequence[Job]],
        wait_for: Callable[[Sequence[Job]], None],
    ) -> None:
        self._provider = provider
        self._cache = cache
        self._sender = sender
        self._journal = journal
        self._turns = turns
        self._jobs_of = jobs_of
        self._wait_for = wait_for
        self._storing = threading.Semaphore(PARALLEL_STORES)

    def make(self, job: Job) -> float | None:
        """Send the request and store what comes. Returns the price in USD, where it is known.

        Raises:
            GenimageError: an image is missing in the end.
        """
        with Turn(self._turns) as turn:
            try:
                return self._make(job, turn)
            finally:
                # Before the turn ends: the next one is to find all the room that there is.
                self._sender.release(job, 0)

    def _make(self, job: Job, turn: Turn) -> float | None:
        self._sender.check(job)
        request = self._with_inputs(job, turn)
        name = job.request.key[:KEY_CHARS_IN_NAME]
        with self._journal.hold(name, lambda: self._give_way(job, turn)):
            turn.again()
            self._find(job)
            wanted = tuple(variant for variant in job.variants if variant not in job.images)
            self._sender.release(job, len(wanted))
            if not wanted:
                return None
            answer = self._sender.send(job, request, len(wanted))
            try:
                images = list(answer.images)
                answer = replace(answer, images=images)
                for number, variant in enumerate(wanted[: len(images)]):
                    if self._journal.keep(variant_stem(name, variant), images[number]):
                        # Answers may come faster than they are stored: they wait on the disk.
                        images[number] = b""
                # From here on a process that is killed loses nothing.
                turn.end()
                cost = self._sender.cost(request, answer)
                self._store(job, wanted, answer, cost, _sources(job.request, request))
                return cost
            finally:
                self._journal.end(name)

    def _give_way(self, job: Job, turn: Turn) -> None:
        """Somebody else is at work on the image, and may need the turn for it.

        Raises:
            GenimageError: the image is not to be asked for any more.
        """
        turn.end()
        self._sender.check(job)

    def _find(self, job: Job) -> None:
        """Take what is there by now: another process may have made it since it was looked for."""
        for variant in job.variants:
            found = Missing() if job.again else self._cache.find(job.request, variant)
            image = found if isinstance(found, StoredImage) else self._recover(job, variant)
            if image:
                job.images[variant] = image
                job.made_elsewhere.add(variant)

    def _recover(self, job: Job, variant: int) -> StoredImage | None:
        """The image, where it had come to a process that was killed before it could store it."""
        request = job.request
        name = variant_stem(request.key[:KEY_CHARS_IN_NAME], variant)
        data = self._journal.kept(name)
        if data is None:
            return None
        today = self._facts(request, None)
        made = self._journal.made(request.key)
        by = {field: made.get(field, today[field]) for field in ("host", "model")}
        if job.again and any(today[field] != value for field, value in by.items()):
            return None  # it is to be made by today's
        from mkdocs_genimage.imaging import ImageError

        try:
            measured = self._measured(data)
        except ImageError:  # cut short by the kill
            self._journal.drop(name)
            return None
        if job.again:
            self._retire(request.key, variant)
        facts = {**today, **by, **measured, "recovered": True}
        image = self._cache.put(request, variant, data, facts)
        self._journal.drop(name)
        log.info("%s: this picture had come to a build that was ended; it is kept.", job.place)
        return image

    def _with_inputs(self, job: Job, turn: Turn) -> ImageRequest:
        """The request with the bytes of all its inputs, the mask as the API wants it.

        Another block's picture was ordered before, so it is mostly at work or done; after a build that
        failed, or where the picture was removed meanwhile, it may come up later. Whoever waits for it gives
        up its turn, and never stands in its way.

        Raises:
            ProviderError: one of them is missing or does not fit.
            BehindError: one of them comes later.
        """
        request = job.request
        if not request.images:
            return request
        sources = [image for image in request.images if isinstance(image, BlockInput)]
        waits = [
            other
            for source in sources
            for other in self._jobs_for(source)
            if not other.done.is_set()
        ]
        if waits:
            turn.end()
            self._wait_for(waits)
        # What has ended the others, if anything has, is why a picture is missing here.
        self._sender.check(job)
        turn.again()
        images = [
            image if isinstance(image, InputFile) else self._picture_of(image)
            for image in request.images
        ]
        mask = request.mask
        if mask:
            from mkdocs_genimage.imaging import ImageError, prepare_mask

            mode = request.options.get("mask_mode", "auto")
            try:
                data, warning = prepare_mask(mask.data, images[0].data, mode)
            except ImageError as error:
                raise ProviderError(f"{error}.", cure="Nothing was sent.") from None
            if warning:
                log.warning("%s: %s.", job.place, warning)
            mask = InputFile(mask.name, data)
        if request.markup:
            self._check_markup(request.markup, images[0])
        return replace(request, images=tuple(images), mask=mask)

    def _check_markup(self, markup: InputFile, image: InputFile) -> None:
        from mkdocs_genimage.imaging import ImageError, inspect

        try:
            over, under = inspect(markup.data), inspect(image.data)
        except ImageError as error:
            raise ProviderError(f"{error}.", cure="Nothing was sent.") from None
        if (over.width, over.height) != (under.width, under.height):
            raise ProviderError(
                f"the markup has {over.width}x{over.height} pixels and its image "
                f"{under.width}x{under.height}: both need the same dimensions.",
                cure="Nothing was sent.",
            )

    def _jobs_for(self, source: BlockInput) -> list[Job]:
        jobs = self._jobs_of(source.request.key)
        return [job for job in jobs if source.variant in job.variants]

    def _picture_of(self, source: BlockInput) -> InputFile:
        found = self._cache.find(source.request, source.variant)
        with contextlib.suppress(OSError):
            if isinstance(found, StoredImage):
                return InputFile(found.path.name, found.path.read_bytes())
        raise ProviderError(
            f"{source.words}, which it is made from, is missing.",
            cure="Nothing was sent.",
        )

    def _facts(self, request: ImageRequest, request_id: str | None) -> dict[str, Any]:
        """Who was asked, and when."""
        facts: dict[str, Any] = {
            "provider": self._provider.name,
            "host": self._provider.host,
            "model": request.model,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        if request.moderation:
            facts["moderation"] = request.moderation
        if request_id:
            facts["request_id"] = request_id
        return facts

    def remember_refusal(self, job: Job, error: ProviderError) -> None:
        """Keep in the cache that a request is of no use."""
        facts = self._facts(job.request, error.request_id)
        with contextlib.suppress(CacheError):
            self._cache.put_refusal(job.request, {**facts, "reason": error.message})

    def _store(
        self,
        job: Job,
        wanted: tuple[int, ...],
        answer: Answer,
        cost: float | None,
        sources: list[str],
    ) -> None:
        facts = self._facts(job.request, answer.request_id)
        if sources:
            facts[MADE_FROM] = sources
        if answer.usage:
            facts["usage"] = answer.usage
        if len(answer.images) > 1:
            facts["images_in_request"] = len(answer.images)
        if cost is not None:
            facts["cost"] = round(cost / len(answer.images), 6)
        failures: list[GenimageError] = []
        for variant, data in zip(wanted, answer.images, strict=False):
            # One that is lost must not take the others with it: they are paid for.
            try:
                with self._storing:
                    self._store_one(job, variant, data or self._kept(job, variant), facts)
            except (ProviderError, CacheError) as error:
                failures.append(error)
        if failures:
            # A cache that cannot be written stops the rest, so it goes before a bad picture.
            raise next((one for one in failures if isinstance(one, CacheError)), failures[0])
        if len(job.images) < len(job.variants):
            raise ProviderError(
                f"{server_name(self._provider)} sent {len(answer.images)} of {len(wanted)} pictures.",
                billed=Billed.MAYBE,
                request_id=answer.request_id,
            )

    def _store_one(self, job: Job, variant: int, data: bytes, facts: dict[str, Any]) -> None:
        """Store one picture of an answer.

        Raises:
            ProviderError: it is none.
            CacheError: the folder cannot be written.
        """
        from mkdocs_genimage.imaging import ImageError

        name = variant_stem(job.request.key[:KEY_CHARS_IN_NAME], variant)
        try:
            everything = facts | self._measured(data)
        except ImageError as error:
            self._journal.drop(name)
            raise ProviderError(
                f"the answer of {server_name(self._provider)} is no usable picture: {error}.",
                billed=Billed.YES,
                request_id=facts.get("request_id"),
            ) from None
        try:
            if job.again:
                self._retire(job.request.key, variant)
            job.images[variant] = self._cache.put(job.request, variant, data, everything)
        except CacheError as error:
            what = "The picture is lost, and its request was billed."
            if self._journal.kept(name) is not None:
                what = "It has come and is kept: the next build takes it."
            raise CacheError(f"{error} {what}") from error
        self._journal.drop(name)
        self._cache.forget_refusal(job.request)

    def _kept(self, job: Job, variant: int) -> bytes:
        """The bytes of a picture that was put aside; none if its file is gone."""
        from mkdocs_genimage.workbench import decoding

        name = variant_stem(job.request.key[:KEY_CHARS_IN_NAME], variant)
        # By that thread, as `workbench` says: memory goes back to the pool of whoever asked for it.
        return decoding.run(lambda: self._journal.kept(name)) or b""

    def _retire(self, key: str, variant: int) -> None:
        """Move what there is of an image to the trash: a new one takes its place.

        Raises:
            CacheError: it cannot be moved.
        """
        from mkdocs_genimage.trash import retire

        digits = key[:KEY_CHARS_IN_NAME]
        old = [
            file.path
            for file in cache_files(self._cache.folder)
            if (file.digits, file.variant) == (digits, variant)
        ]
        if old:
            retire(self._cache.folder, old)

    def _measured(self, data: bytes) -> dict[str, Any]:
        """What the cache wants to know of a picture's bytes.

        Raises:
            ImageError: they are no whole picture.
        """
        from mkdocs_genimage.imaging import inspect

        info = inspect(data)
        return {"format": info.format, "width": info.width, "height": info.height}


def _sources(request: ImageRequest, sent: ImageRequest) -> list[str]:
    """The SHA-256 of each picture of another block that a request was sent with, in order.

    The key knows them by what makes them, and not which take of it they were.
    """
    both = zip(request.images, sent.images, strict=True)
    return [
        image.sha256
        for source, image in both
        if isinstance(source, BlockInput) and isinstance(image, InputFile)
    ]
