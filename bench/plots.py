"""Bar charts as SVG: a picture needs no more than rectangles and text."""

from collections.abc import Sequence
from html import escape

_WIDTH, _ROW, _LEFT, _RIGHT, _TOP = 760, 30, 330, 90, 44


def bars(title: str, names: Sequence[str], values: Sequence[float], form: str) -> str:
    """Horizontal bars; the first is ours. `form` formats a value."""
    height = _TOP + _ROW * len(names) + 12
    scale = (_WIDTH - _LEFT - _RIGHT) / max(values)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}">',
        "<style>text{font:14px system-ui,sans-serif;fill:#222}.t{font-weight:600}</style>",
        "<style>rect.o{fill:#9aa5b8}rect.p{fill:#2b4bc9}</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/><text class="t" x="12" y="26">{escape(title)}</text>',
    ]
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        y, width = _TOP + place * _ROW, max(value * scale, 1)
        parts.append(
            f'<text x="12" y="{y + 17}">{escape(name)}</text>'
            f'<rect class="{"o" if place else "p"}" x="{_LEFT}" y="{y + 4}" width="{width:.1f}" height="18"/>'
            f'<text x="{_LEFT + width + 8:.1f}" y="{y + 17}">{form.format(value)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])
