"""Pictures of names in any script: a font of this machine that has the letters, else one note and no raw warning."""

from __future__ import annotations

import pytest
from matplotlib.font_manager import FontEntry, fontManager

from pipeline.pages import pictures
from pipeline.pages.pictures import count_along, label, panels, png

# Of the fonts that come with Matplotlib none has it; not the usual one, but another.
NOWHERE, ELSEWHERE = "日", chr(0x1D84)


@pytest.fixture(autouse=True)
def own_fonts(monkeypatch: pytest.MonkeyPatch) -> list[FontEntry]:
    """Those that come with Matplotlib, as if there were no others."""
    own = [font for font in fontManager.ttflist if "mpl-data" in font.fname]
    monkeypatch.setattr(fontManager, "ttflist", own)
    monkeypatch.setattr(pictures, "findSystemFonts", list)
    return own


def drawn(name: str) -> bytes:
    figure, (axis,) = panels()
    axis.bar([f"{name} 1", f"{name} 2"], [1, 2], label=name)
    label(axis, f"What {name} is", name, "count", legend=True)
    return png(figure)


@pytest.mark.parametrize("name", ["age", "Größe", "возраст"])
def test_letters_of_the_usual_font(
    name: str, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    assert drawn(name) == drawn(name) and capsys.readouterr().out == "" and not recwarn.list


def test_a_curve_of_one_epoch_is_seen_and_counted() -> None:
    """It was a line without a length, over epochs from 0.945 to 1.05."""
    figure, (one, several) = panels(2)
    one.plot([1], [0.5], label="train")
    several.plot([1, 2], [0.5, 0.4])
    for axis in (one, several):
        count_along(axis)
        label(axis, "Loss", "epoch", "loss")
    assert [axis.lines[0].get_marker() for axis in (one, several)] == ["o", "None"]
    png(figure)
    low, high = one.get_xlim()
    assert [tick for tick in one.get_xticks() if low <= tick <= high] == [1]


def test_the_grid_does_not_run_across_bars() -> None:
    """A line in the middle of each looked as if it were of the picture."""
    figure, (axis,) = panels()
    bars = axis.barh(["great", "worst"], [1.0, 2.0])
    png(figure)
    drawn = [side.get_zorder() for side in (axis.xaxis, axis.yaxis)]  # each draws its grid
    assert max(drawn) < min(bar.get_zorder() for bar in bars)


def test_letters_of_no_font_are_told_once(capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
    assert drawn(NOWHERE).startswith(b"\x89PNG") and not recwarn.list
    said = f"note: no font here has the letters {NOWHERE}, so the picture shows boxes; install one that has them\n"
    assert capsys.readouterr().out == said


def test_letters_of_another_font_are_drawn_with_it(
    own_fonts: list[FontEntry],
    capsys: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = drawn(ELSEWHERE)
    assert capsys.readouterr().out == "" and not recwarn.list
    monkeypatch.setattr(fontManager, "ttflist", [font for font in own_fonts if font.name == "DejaVu Sans"])
    assert drawn(ELSEWHERE) != found and ELSEWHERE in capsys.readouterr().out


def test_a_font_installed_since_matplotlib_looked_is_found(
    own_fonts: list[FontEntry], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its list lies in a cache, so that who did as the note says would get boxes and the note again."""
    installed = sorted({font.fname for font in own_fonts if font.name != "DejaVu Sans"})
    own_fonts[:] = [font for font in own_fonts if font.name == "DejaVu Sans"]
    boxes = drawn(ELSEWHERE)
    assert ELSEWHERE in capsys.readouterr().out
    monkeypatch.setattr(pictures, "findSystemFonts", lambda: [*installed, "/gone.ttf"])
    assert drawn(ELSEWHERE) != boxes and capsys.readouterr().out == ""


def test_a_font_that_is_gone_is_passed_over(own_fonts: list[FontEntry], capsys: pytest.CaptureFixture[str]) -> None:
    """Matplotlib's list of fonts comes from a cache, so it may name files that were removed."""
    gone = FontEntry(
        fname="/gone.ttf", name="A", style="normal", variant="normal", weight=400, stretch="normal", size="scalable"
    )
    own_fonts.append(gone)
    assert drawn(NOWHERE).startswith(b"\x89PNG") and NOWHERE in capsys.readouterr().out
