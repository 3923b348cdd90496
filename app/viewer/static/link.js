// Viewers side by side on one film: what a reader does to one happens to the others. Each keeps its own range and scale.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const SHARED_LOOK = ["opacity", "smooth", "colours", "peaks"]; // never a threshold: it is a value of one model's range
  const DIGITS = 5;
  const groups = new Map();

  /** Join the viewers of one name; the page writes it as a class of the component: egma-link-NAME. */
  egma.joinGroup = (viewer) => {
    const place = viewer.root.closest("[class*='egma-link-']");
    const name = place && [...place.classList].find((each) => each.startsWith("egma-link-"));
    if (!name) return;
    if (!groups.has(name)) groups.set(name, new Set());
    viewer.group = groups.get(name);
    viewer.leads = place.classList.contains("egma-leads");
    viewer.group.add(viewer);
  };

  egma.leaveGroup = (viewer) => viewer.group?.delete(viewer);

  /** New data came from the page: the leader's counts for all, the others take up what the leader shows. */
  egma.takeUp = (viewer) => { if (viewer.group && !viewer.leads) viewer.joined = null; };

  /** Called with every frame: pass on what the reader changed since the last one. */
  egma.follow = (viewer) => {
    const { group, state } = viewer;
    if (!group || !state.film) return;
    const peers = [...group].filter((each) => each !== viewer && each.root.isConnected && each.state.film && each.state.filmId === state.filmId);
    if (!peers.length) return void (viewer.joined = null);
    if (viewer.joined !== state.filmId && !viewer.leads) {
      viewer.joined = state.filmId;
      return apply(viewer, read(peers.find((each) => each.leads) || peers[0]));
    }
    viewer.joined = state.filmId;
    const now = read(viewer);
    if (JSON.stringify(now) === viewer.passedOn) return;
    viewer.passedOn = JSON.stringify(now);
    for (const peer of peers) apply(peer, now, viewer.quick);
  };

  const short = (value) => Number(value.toFixed(DIGITS));

  /** What is shared, in shares of the film, so that stages of different sizes show the same place. */
  function read({ state, view }) {
    const middle = view.toFilm(view.stage.width / 2, view.stage.height / 2);
    const hover = state.hover ? view.toFilm(state.hover.x, state.hover.y) : null;
    return {
      place: view.fitted ? null : { zoom: short(view.scale / view.fitScale), u: short(middle.u), v: short(middle.v) },
      flipped: view.flipped, window: { ...state.window }, preset: state.preset, inverted: state.inverted, tool: state.tool,
      mark: state.mark, hover: hover && { u: short(hover.u), v: short(hover.v) },
      mapsOn: state.mapsOn, solo: state.solo, current: state.layers[state.at]?.id || "", off: [...state.off].sort(),
      look: Object.fromEntries(SHARED_LOOK.map((name) => [name, state.look[name]])),
    };
  }

  function apply(viewer, shared, quick) {
    const { state, view } = viewer;
    const windowed = JSON.stringify([shared.window, shared.inverted]) !== JSON.stringify([state.window, state.inverted]);
    view.flipped = shared.flipped;
    view.show(shared.place);
    const { mark, preset, inverted, tool, mapsOn, solo } = shared;
    Object.assign(state, { mark, preset, inverted, tool, mapsOn, solo, window: { ...shared.window }, off: new Set(shared.off) });
    Object.assign(state.look, shared.look);
    state.at = Math.max(0, state.layers.findIndex(({ id }) => id === shared.current));
    state.hover = shared.hover && view.toStage(shared.hover.u, shared.hover.v);
    if (windowed) viewer.stale = true;
    viewer.passedOn = JSON.stringify(read(viewer));
    viewer.controls.sync();
    egma.syncLayerList(viewer);
    viewer.paint(quick);
  }
})();
