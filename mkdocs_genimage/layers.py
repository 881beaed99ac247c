"""The options of a block, its page, its style and the site, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mkdocs_genimage.options import NOT_EDITABLE, UNSET, has_twin

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT_OPTIONS = {
    "output_compression": ("jpeg", "webp"),
    "frame_count": ("gif",),
    "frame_duration_ms": ("gif",),
}
"""The formats that an option is for."""


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """The options of all layers. The stronger one is heeded, and classes add up.

    What a weaker layer says of a thing that a stronger one does without is left out, so that a default of
    `output_compression` is no obstacle to a png, nor one of `input_fidelity` to a block without `image`.

    Args:
        layers: options in normal form, weakest first. The last one is the block's own.
    """
    options: dict[str, Any] = {}
    for layer in layers:
        _give_way(options, layer)
        classes = (*options.get("class", ()), *layer.get("class", ()))
        options.update(layer)
        if classes:
            options["class"] = tuple(dict.fromkeys(classes))
    for name, is_needed in (
        ("input_fidelity", "image" in options or has_twin(options)),
        ("mask_mode", "mask" in options),
    ):
        if not is_needed and name not in layers[-1]:
            options.pop(name, None)
    for name, word in UNSET.items():
        if options.get(name) == word:
            del options[name]
    return options


def _give_way(options: dict[str, Any], stronger: Mapping[str, Any]) -> None:
    """Take out what does not go with the options of a stronger layer."""
    form = stronger.get("output_format")
    for name, forms in _FORMAT_OPTIONS.items():
        if form and form not in forms:
            options.pop(name, None)
    if form in NOT_EDITABLE:
        options.pop("dark", None)
    if "height" in stronger:  # with a width of somebody else it would crop the picture
        options.pop("width", None)
