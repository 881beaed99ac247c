"""Options that are each fine but not together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mkdocs_genimage.options import NOT_EDITABLE, has_twin

if TYPE_CHECKING:
    from collections.abc import Mapping


def _conflicts_with_format(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    form = options.get("output_format")
    if options.get("background") == "transparent" and form in ("jpeg", "gif"):
        found.append(
            (
                "background",
                f"'background: transparent' is not for 'output_format: {form}'. Allowed: png, webp.",
            )
        )
    if "output_compression" in options and form not in ("jpeg", "webp"):
        found.append(
            (
                "output_compression",
                "'output_compression' needs 'output_format: jpeg' or 'output_format: webp'.",
            )
        )
    found.extend(
        (name, f"'{name}' needs 'output_format: gif'.")
        for name in ("frame_count", "frame_duration_ms")
        if name in options and form != "gif"
    )
    if has_twin(options) and form in NOT_EDITABLE:
        message = f"'dark' edits the picture, which cannot be done with 'output_format: {form}'. "
        found.append(("dark", message + "Allowed: png, jpeg, webp, or 'dark: none'."))
    return found


def conflicts(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(option, message) for options that are each fine but not together, after all defaults are in."""
    found = _conflicts_with_format(options)
    if "mask" in options and "image" not in options:
        found.append(("mask", "'mask' needs an 'image' that it belongs to."))
    if "markup" in options and "image" not in options:
        found.append(("markup", "'markup' needs an 'image' that it is drawn over."))
    if "markup" in options and "mask" in options:
        found.append(("markup", "'markup' and 'mask' exclude each other: remove one of the two."))
    if "mask_mode" in options and "mask" not in options:
        found.append(("mask_mode", "'mask_mode' needs a 'mask' that it is about."))
    has_edit = "image" in options or has_twin(options)
    if "input_fidelity" in options and not has_edit:
        found.append(("input_fidelity", "'input_fidelity' needs an 'image' to keep to."))
    if "height" in options and str(options.get("width", "")).endswith("%"):
        message = (
            "'height' is not for a 'width' in percent: remove one of the two, or write pixels."
        )
        found.append(("height", message))
    pick, count = options.get("pick"), options.get("n", 1)
    if isinstance(pick, int) and pick > count:
        found.append(
            ("pick", f"'pick: {pick}' needs 'n: {pick}' or more; this block asks for {count}.")
        )
    if options.get("decorative") and options.get("alt"):
        found.append(
            (
                "decorative",
                "'decorative: true' and 'alt' exclude each other: remove one of the two.",
            )
        )
    return found
