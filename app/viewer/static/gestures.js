// Mouse, wheel, trackpad and touch on the canvas, turned into what the viewer does.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const CLICK_PX = 4; // a hand moves this much during a click
  const TAP_PX = 9; // and a finger this much
  const TWICE_MS = 350;

  /**
   * @param actor {pan(dx, dy), window(dx, dy), zoomAt(x, y, factor), click(x, y), twice(), hover(x, y) or hover(null), settle()}
   * @param tool () => "pan" | "window": what the first button and a finger do
   */
  egma.attachGestures = (canvas, actor, tool, signal) => {
    const pointers = new Map();
    let drag = null, pinch = null, lastClick = 0;

    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const on = (name, act, options = {}) => canvas.addEventListener(name, act, { signal, ...options });

    const roleOf = (event) => {
      if (event.button === 1) return "pan";
      return event.button === 2 || event.shiftKey ? "window" : tool();
    };

    const span = () => {
      const [a, b] = [...pointers.values()];
      return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
    };

    on("pointerdown", (event) => {
      canvas.focus({ preventScroll: true });
      if (event.button === 1) event.preventDefault(); // no autoscroll
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, place(event));
      if (pointers.size === 2) {
        pinch = span();
        drag = null;
      } else if (pointers.size === 1) {
        const at = place(event);
        drag = { role: roleOf(event), button: event.button, touch: event.pointerType === "touch", start: at, last: at, moved: false };
      }
    });

    on("pointermove", (event) => {
      const at = place(event);
      if (pointers.has(event.pointerId)) pointers.set(event.pointerId, at);
      if (pinch && pointers.size === 2) return movePinch();
      if (drag) moveDrag(at);
      if (event.pointerType !== "touch") actor.hover(at.x, at.y);
    });

    const movePinch = () => {
      const now = span();
      actor.pan(now.x - pinch.x, now.y - pinch.y);
      actor.zoomAt(now.x, now.y, now.distance / pinch.distance);
      pinch = now;
    };

    const moveDrag = (at) => {
      const far = Math.hypot(at.x - drag.start.x, at.y - drag.start.y) > (drag.touch ? TAP_PX : CLICK_PX);
      if (!drag.moved && !far) return;
      drag.moved = true;
      const act = drag.role === "window" ? actor.window : actor.pan;
      act(at.x - drag.last.x, at.y - drag.last.y);
      drag.last = at;
    };

    const finish = (event, isClick) => {
      if (!pointers.delete(event.pointerId)) return;
      if (pointers.size < 2) pinch = null;
      const done = drag;
      drag = null;
      actor.settle();
      if (!isClick || !done || done.moved || done.button !== 0) return;
      if (event.timeStamp - lastClick < TWICE_MS) return void (lastClick = 0); // the second half of a double click
      lastClick = event.timeStamp;
      if (done.touch) actor.hover(done.start.x, done.start.y);
      actor.click(done.start.x, done.start.y);
    };

    on("pointerup", (event) => finish(event, true));
    on("pointercancel", (event) => finish(event, false));
    on("pointerleave", () => { if (!pointers.size) actor.hover(null); });
    on("dblclick", () => actor.twice());
    on("contextmenu", (event) => event.preventDefault());
    on("wheel", (event) => {
      event.preventDefault();
      const pixels = event.deltaY * [1, 18, 240][event.deltaMode];
      const at = place(event);
      // a trackpad's pinch arrives as a wheel with ctrlKey, in much smaller steps
      actor.zoomAt(at.x, at.y, Math.exp(-Math.max(-240, Math.min(240, pixels)) * (event.ctrlKey ? 0.01 : 0.0016)));
      actor.settle();
    }, { passive: false });
  };
})();
