"""Frame of the HTML pages of this project: one file each, without scripts, for light and dark."""

from html import escape
from importlib.resources import files

FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def page(title: str, body: str, package: str) -> str:
    """Page with the common style sheet inside, and behind it `page.css` of a package.

    Args:
        title: as text.
        body: as HTML.
        package: whose own style sheet it needs.
    """
    sheets = (files(name) / "page.css" for name in (__package__, package))
    style = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    return FRAME.format(title=escape(title), style=style, body=body)
