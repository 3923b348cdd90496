"""How the page looks: calm greys, one accent, system fonts; readable contrast in light and dark."""

from __future__ import annotations

from pathlib import Path

from gradio.themes.base import Base
from gradio.themes.utils import sizes
from gradio.themes.utils.colors import Color

CSS_PATH = Path(__file__).parent / "app.css"

_ACCENT = Color(
    "#eef6f9",
    "#d5e9f0",
    "#aed4e2",
    "#7ab8cd",
    "#4397b3",
    "#1f7a99",
    "#16647f",
    "#135268",
    "#124556",
    "#10394a",
    "#082532",
)
_GREY = Color(
    "#f7f8fa",
    "#eef0f3",
    "#dfe3e8",
    "#c6ccd4",
    "#8f98a4",
    "#66707d",
    "#4b5562",
    "#38414c",
    "#222a33",
    "#171d24",
    "#10151a",
)

TOGGLE_DARK_JS = """
() => {
  const dark = document.body.classList.toggle('dark');
  document.body.style.background = 'var(--body-background-fill)';
  document.body.style.color = 'var(--body-text-color)';
  document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
  try { localStorage.setItem('egma-theme', dark ? 'dark' : 'light'); } catch { }
}
"""
"""Toggling the class alone leaves the body in its first colours."""


def build_theme() -> Base:
    """The theme; both modes meet WCAG AA for text."""
    return Base(
        primary_hue=_ACCENT,
        secondary_hue=_ACCENT,
        neutral_hue=_GREY,
        radius_size=sizes.radius_md,
        spacing_size=sizes.spacing_md,
        text_size=sizes.text_md,
        font=["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Consolas", "monospace"],
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="#1b232c",
        body_text_color_dark="#e6eaef",
        body_text_color_subdued="#56616e",
        body_text_color_subdued_dark="#a5afbb",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_100",
        background_fill_secondary_dark="*neutral_800",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="*body_text_color",
        block_label_text_color_dark="*body_text_color",
        block_label_text_weight="600",
        block_title_text_color="*body_text_color",
        block_title_text_color_dark="*body_text_color",
        block_title_text_weight="600",
        block_info_text_color="*body_text_color_subdued",
        block_info_text_color_dark="*body_text_color_subdued",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_800",
        input_background_fill="white",
        input_background_fill_dark="*neutral_950",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        input_border_width="1px",
        input_placeholder_color="#67727f",
        input_placeholder_color_dark="#8d97a3",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700",
        button_border_width="1px",
        button_primary_shadow="none",
        button_secondary_shadow="none",
        link_text_color="*primary_600",
        link_text_color_dark="*primary_300",
        color_accent="*primary_500",
        color_accent_soft="*primary_100",
        color_accent_soft_dark="*primary_900",
    )
