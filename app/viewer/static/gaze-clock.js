// The time of a replay: plays at any speed, pauses, and tells whoever listens. The server is never asked.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const LONGEST_STEP_S = 0.25; // a tab that slept does not jump

  class GazeClock {
    constructor(tick) {
      Object.assign(this, { tick, now: 0, from: 0, to: 0, speed: 1, playing: false, frames: 0 });
    }

    open([from, to]) {
      this.pause();
      Object.assign(this, { from, to, now: from });
    }

    play() {
      if (this.playing || !(this.to > this.from)) return;
      if (this.now >= this.to) this.now = this.from;
      this.playing = true;
      this.last = null;
      this.frame = requestAnimationFrame((at) => this.step(at));
    }

    pause() {
      this.playing = false;
      cancelAnimationFrame(this.frame);
    }

    toggle() {
      this.playing ? this.pause() : this.play();
    }

    seek(seconds) {
      this.now = Math.min(this.to, Math.max(this.from, seconds));
      this.last = null;
    }

    step(at) {
      if (!this.playing) return;
      const passed = this.last === null ? 0 : Math.min(LONGEST_STEP_S, (at - this.last) / 1000);
      this.last = at;
      this.frames += 1;
      this.now = Math.min(this.to, this.now + passed * this.speed);
      if (this.now >= this.to) this.playing = false;
      else this.frame = requestAnimationFrame((next) => this.step(next));
      this.tick();
    }
  }

  egma.GazeClock = GazeClock;
  egma.prefersStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
})();
