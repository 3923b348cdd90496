"""The viewer as a component of the page: a static template, plain scripts, and data that is never printed as markup.

The template must not mention the data: the framework compares and rebuilds what it prints, which would delete the
canvas, and evaluates it as a JavaScript template string, which would run it.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import gradio as gr

from app.stubs import write_no_stubs
from app.viewer.data import ViewerData

write_no_stubs()

_HERE = Path(__file__).parent
_SCRIPTS = _HERE / "static"
_MOUNT = """
let viewer = null;
const mount = () => {
  if (!window.egmaViewer?.mount) return void setTimeout(mount, 30); // another viewer of the page brings the scripts
  viewer = window.egmaViewer.mount(element, {
    patch_click: (point) => trigger("patch_click", point),
    layer_step: (step) => trigger("layer_step", step),
  });
  viewer.show(props.value);
};
mount();
watch("value", () => viewer?.show(props.value));
"""


class CXRViewer(gr.HTML):
    """Shows a film and its maps; everything after the picture was fetched happens in the browser.

    Events:
        patch_click: {u, v}, the point that was clicked in fractions of the film as it was recorded, however it is
            flipped on screen. Comes from a browser: check it.
        layer_step: {index, id}, the layer that a reader stepped to in step mode.
    """

    data_model = ViewerData
    scripts: ClassVar[tuple[str, ...]] = (
        "colours.js",
        "film.js",
        "view.js",
        "layers.js",
        "legend.js",
        "paint.js",
        "still.js",
        "flatbar.js",
        "taste.js",
        "gestures.js",
        "keys.js",
        "controls.js",
        "layerlist.js",
        "export.js",
        "reader.js",
        "link.js",
        "gaze-density.js",
        "gaze-track.js",
        "gaze-paint.js",
        "gaze-clock.js",
        "gaze-bar.js",
        "gaze-picture.js",
        "gaze-stage.js",
        "gaze-layer.js",
        "viewer.js",
    )

    def __init__(
        self,
        value: ViewerData | None = None,
        *,
        link: str = "",
        leads: bool = False,
        scripts: bool = True,
        **settings: Any,
    ) -> None:
        """A viewer.

        Args:
            value: what it shows first.
            link: viewers of one name move together while they show the same film.
            leads: what the page sends to this one counts for the others of its name.
            scripts: bring the scripts along; a page's first viewer does, further ones need not.
            settings: of the framework's component.
        """
        gr.set_static_paths([_SCRIPTS])
        if link:
            settings["elem_classes"] = [f"egma-link-{link}", *(["egma-leads"] if leads else [])]
        super().__init__(
            value=value,
            html_template=self.markup(),
            css_template=self.styles(),
            js_on_load=_MOUNT,
            head="".join(script_tag(_SCRIPTS / name) for name in self.scripts) if scripts else None,
            apply_default_css=False,
            padding=False,
            **settings,
        )

    @classmethod
    def markup(cls) -> str:
        """The static markup."""
        return (_HERE / "viewer.html").read_text(encoding="utf-8")

    @classmethod
    def styles(cls) -> str:
        """The style sheet."""
        return (_HERE / "viewer.css").read_text(encoding="utf-8")

    def preprocess(self, payload: Any) -> None:
        """Nothing: what the browser holds is never read back, so that no handler can be fed a film or a map by it."""

    def postprocess(self, value: Any) -> Any:
        """The data, for the browser."""
        return value

    def api_info(self) -> dict[str, Any]:
        """The shape of the data."""
        return self.data_model.model_json_schema() if self.data_model else {}


def script_tag(path: Path) -> str:
    """A tag that loads a script by a relative address, which works under any root path; its hash ends old copies."""
    stamp = sha256(path.read_bytes()).hexdigest()[:12]
    return f'<script src="gradio_api/file={quote(path.as_posix())}?v={stamp}"></script>'
