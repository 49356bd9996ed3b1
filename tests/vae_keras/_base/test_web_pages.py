"""The frame of pages: a title that is text, and the style sheets inside."""

from vae_keras._base.web_pages import page


def test_the_title_is_text_and_both_sheets_are_inside(html_page):
    content = page("<b>&</b>", "<p>rows</p>", "vae_keras.inspection")
    made = html_page(content)
    assert made.texts[0].strip() == ""
    assert "<b>&</b>" in made.texts
    assert "rows" in made.texts
    for ours in ("--page:", "body {", ".plot {"):
        assert content.count(ours) >= 1
    assert not made.all("link", "script")
