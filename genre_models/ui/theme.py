"""The look of the whole app: ink on paper, and colour only where it names a model."""

from dataclasses import dataclass
from urllib.parse import quote

import gradio as gr

from genre_models.paths import ASSETS

FAVICON = ASSETS / "favicon.svg"
STYLE_SHEET = ASSETS / "style.css"
SCRIPTS = tuple(ASSETS / name for name in ("settle.js", "app.js", "inside.js", "words.js", "tabs.js"))
LOCAL_FONT = "Source Sans Pro"  # bundled with Gradio in these two weights, so no request leaves the page


@dataclass(frozen=True)
class Accent:
    """One colour in its two variants, each at least 4.5 : 1 against the panels of its mode."""

    light: str
    dark: str


MODEL_COLOURS = {
    "mlp": Accent("#b3205e", "#ff8cb4"),
    "cnn": Accent("#1d5fc4", "#82b4ff"),
    "lstm": Accent("#0a7454", "#4fd3a4"),
    "transformer": Accent("#7438c2", "#c3a2ff"),
    "musicnn": Accent("#8a5a00", "#efbf5a"),
}

INK = Accent("#1a1c21", "#edf0f4")
MUTED = Accent("#5b5f68", "#a4adb9")
PAPER = Accent("#f6f4ef", "#0e1116")
PANEL = Accent("#ffffff", "#171b22")
RAISED = Accent("#f1eee7", "#202630")
LINE = Accent("#dedad0", "#2c343f")
CONTROL = Accent("#8b8778", "#66717f")


def css() -> str:
    """The style sheet, led by the colours as custom properties for light and dark."""
    palette = {
        **{f"model-{name}": accent for name, accent in MODEL_COLOURS.items()},
        **{"ink": INK, "muted": MUTED, "paper": PAPER, "panel": PANEL, "raised": RAISED, "line": LINE},
        "control": CONTROL,
    }
    light = "".join(f"--{name}: {accent.light};" for name, accent in palette.items())
    dark = "".join(f"--{name}: {accent.dark};" for name, accent in palette.items())
    models = "".join(f".model-{name}{{--model: var(--model-{name})}}" for name in MODEL_COLOURS)
    return f":root{{{light}}}.dark{{{dark}}}{models}\n{STYLE_SHEET.read_text(encoding='utf-8')}"


def head() -> str:
    """The app's icon and its own scripts, in the page itself so that they run before Gradio's."""
    icon = quote(FAVICON.read_text(encoding="utf-8"))
    script = "\n".join(script.read_text(encoding="utf-8") for script in SCRIPTS)
    # The style sheet comes too late for this.
    hidden = "<style>.growing :is(main, footer) { visibility: hidden; }</style>"
    return f'<link rel="icon" href="data:image/svg+xml,{icon}">{hidden}<script>\n{script}\n</script>'


def theme() -> gr.themes.Base:
    """Gradio's own widgets in the same ink, paper and type."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.stone,
        secondary_hue=gr.themes.colors.stone,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_md,
        font=[gr.themes.LocalFont(LOCAL_FONT, weights=(400, 700)), "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )
    return base.set(
        **_both("body_background_fill", PAPER),
        **_both("body_text_color", INK),
        **_both("body_text_color_subdued", MUTED),
        **_both("background_fill_primary", PANEL),
        **_both("background_fill_secondary", RAISED),
        **_both("border_color_primary", LINE),
        **_both("border_color_accent", INK),
        **_both("color_accent_soft", RAISED),
        **_both("block_background_fill", PANEL),
        **_both("block_border_color", LINE),
        **_both("block_title_text_color", INK),
        **_both("block_label_text_color", MUTED),
        **_both("block_label_background_fill", PANEL),
        **_both("block_info_text_color", MUTED),
        **_both("input_background_fill", PANEL),
        **_both("input_border_color", CONTROL),
        **_both("checkbox_background_color", PANEL),
        **_both("checkbox_border_color", CONTROL),
        **_both("checkbox_background_color_selected", INK),
        **_both("checkbox_border_color_selected", INK),
        **_both("checkbox_label_background_fill", PANEL),
        **_both("checkbox_label_background_fill_hover", RAISED),
        **_both("checkbox_label_background_fill_selected", PANEL),
        **_both("checkbox_label_text_color", INK),
        **_both("checkbox_label_text_color_selected", INK),
        **_both("checkbox_label_border_color", LINE),
        **_both("button_primary_background_fill", INK),
        **_both("button_primary_background_fill_hover", MUTED),
        **_both("button_primary_text_color", PANEL),
        **_both("button_secondary_background_fill", PANEL),
        **_both("button_secondary_background_fill_hover", RAISED),
        **_both("button_secondary_text_color", INK),
        **_both("button_secondary_border_color", LINE),
        **_both("link_text_color", INK),
        **_both("link_text_color_hover", MUTED),
        **_both("link_text_color_visited", INK),
        **_both("link_text_color_active", INK),
        color_accent="var(--ink)",
        block_radius="14px",
        block_border_width="1px",
        block_border_width_dark="1px",
        block_shadow="none",
        block_title_text_weight="700",
        button_large_text_weight="700",
        button_medium_text_weight="700",
        button_small_text_weight="400",
        button_secondary_border_color_hover="*border_color_accent",
        button_border_width="1px",
        layout_gap="16px",
    )


def _both(name: str, accent: Accent) -> dict[str, str]:
    return {name: accent.light, f"{name}_dark": accent.dark}
