"""A tune as sheet music: MEI (music-encoding.org), drawn by verovio."""

from importlib.resources import files
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement
from xml.sax.saxutils import quoteattr

import verovio

from genre_models.melody.bars import Bar, Symbol, bars, heading, is_low
from genre_models.melody.tune import Tune

WIDTH = 800  # pixels
SCALE = 45  # percent of verovio's own size, which suits a page printed on A4
TALLEST = 60_000
"""Height of the one page in verovio's units, cut to what the tune needs."""
LAST_LINE = 0.6
"""The last line is as wide as the others if it is this full."""
SEED_COLOUR = "var(--seed-colour, #c2570c)"
"""A page may set the variable; the colour after it stands out on white as on black."""
CSS = f"g.page-margin {{fill: currentColor}} g.seed {{color: {SEED_COLOUR}}}"
FONTS = str(files("verovio") / "data")
MEI = "http://www.music-encoding.org/ns/mei"
MEI_ACCIDENTALS = {-1: "f", 0: "n", 1: "s"}


def svg(tune: Tune, n_seed: int = 0) -> str:
    """Sheet music as one SVG element, as tall as it takes.

    It has the text colour of the page around it; the first `n_seed` notes have the page's `--seed-colour`.
    """
    toolkit = verovio.toolkit(False)
    toolkit.setResourcePath(FONTS)  # of its own accord it finds them in the main thread only
    toolkit.setOptions(
        {
            "inputFrom": "mei",
            "xmlIdChecksum": True,
            "header": "none",
            "footer": "none",
            "scale": SCALE,
            "pageWidth": WIDTH * 100 // SCALE,
            "pageHeight": TALLEST,
            "pageMarginLeft": 20,
            "pageMarginRight": 20,
            "adjustPageHeight": True,
            "minLastJustification": LAST_LINE,
            "svgViewBox": True,
            "svgRemoveXlink": True,
            "svgCss": CSS,
        }
    )
    toolkit.loadData(mei(tune, n_seed))
    return _for_a_page(toolkit.renderToSVG(1), tune)


def mei(tune: Tune, n_seed: int = 0) -> str:
    """The tune in MEI 5; the first `n_seed` notes have the type "seed"."""
    root = Element("mei", xmlns=MEI, meiversion="5.0")
    title = _inside(root, "meiHead", "fileDesc", "titleStmt", "title")
    title.text = heading(tune)
    score = _inside(root, "music", "body", "mdiv", "score")
    SubElement(_inside(score, "scoreDef", "staffGrp"), "staffDef", _staff(tune))
    section = SubElement(score, "section")
    printed = bars(tune)
    for bar in printed:
        last = {"right": "end"} if bar is printed[-1] else {}
        whole = "true" if bar.is_whole else "false"
        measure = SubElement(section, "measure", {"n": str(bar.number), "metcon": whole, **last})
        _fill(SubElement(SubElement(measure, "staff", n="1"), "layer", n="1"), bar, n_seed)
    return ElementTree.tostring(root, encoding="unicode")


def _inside(element: Element, *tags: str) -> Element:
    """The last of a chain of new elements, each in the one before."""
    for tag in tags:
        element = SubElement(element, tag)
    return element


def _staff(tune: Tune) -> dict[str, str]:
    sharps = tune.key.signature
    sign, line = ("F", "4") if is_low(tune) else ("G", "2")
    return {
        "n": "1",
        "lines": "5",
        "clef.shape": sign,
        "clef.line": line,
        "keysig": f"{abs(sharps)}{'s' if sharps > 0 else 'f'}" if sharps else "0",
        "meter.count": str(tune.metre.beats),
        "meter.unit": str(tune.metre.unit),
    }


def _fill(layer: Element, bar: Bar, n_seed: int) -> None:
    for run in bar.runs:
        parent = SubElement(layer, "tuplet", num="3", numbase="2") if run[0].triplet else layer
        for beam in bar.beams(run):
            seed = {"type": "seed"} if beam[-1].note < n_seed else {}
            around = SubElement(parent, "beam", seed) if len(beam) > 1 else parent
            for symbol in beam:
                _add(around, symbol, n_seed)


def _add(parent: Element, symbol: Symbol, n_seed: int) -> None:
    value, dots = symbol.value
    attributes = {"dur": str(value)} | ({"dots": str(dots)} if dots else {})
    if symbol.note < n_seed:
        attributes["type"] = "seed"
    if symbol.spelling is None:
        SubElement(parent, "rest", attributes)
        return
    attributes |= {"pname": symbol.spelling.letter.lower(), "oct": str(symbol.spelling.octave)}
    if symbol.accidental:
        attributes["accid"] = MEI_ACCIDENTALS[symbol.spelling.alter]
    elif symbol.spelling.alter:
        attributes["accid.ges"] = MEI_ACCIDENTALS[symbol.spelling.alter]
    if symbol.tied_from or symbol.tied_to:
        attributes["tie"] = "m" if symbol.tied_from and symbol.tied_to else "t" if symbol.tied_from else "i"
    SubElement(parent, "note", attributes)


def _for_a_page(drawing: str, tune: Tune) -> str:
    """With a name for screen readers, and in the colour of the text around it."""
    name = quoteattr(f"Sheet music, {tune.key.name}, {tune.metre.name}")
    return drawing.replace("<svg ", f'<svg role="img" aria-label={name} ', 1).replace(' color="black"', "", 1)
