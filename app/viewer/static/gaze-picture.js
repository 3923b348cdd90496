// The replay as a film: what is on the stage, with sentence, caveat and label burnt in, recorded while it plays.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const KINDS = ["video/webm;codecs=vp8", "video/webm;codecs=vp9", "video/webm"]; // VP8 first: VP9 costs the replay its frames
  const BAND_PX = 58, FRAMES_S = 25, BITS_S = 5_000_000;
  const FILE_NAME = "egma-replay.webm";

  /** Begin to record a stage's replay; returns {draw(), stop()}, or null where the browser cannot. */
  egma.recordReplay = (stage) => {
    const kind = window.MediaRecorder && KINDS.find((each) => MediaRecorder.isTypeSupported(each)), { viewer } = stage;
    if (!kind || !viewer.canvas.captureStream || !viewer.state.film) {
      viewer.controls.say("This browser cannot record a film; export the replay as GIF instead.", "error");
      return null;
    }
    const canvas = document.createElement("canvas");
    canvas.width = 2 * Math.round(viewer.view.stage.width / 2);
    canvas.height = 2 * Math.round((viewer.view.stage.height + BAND_PX) / 2);
    const context = canvas.getContext("2d"), chunks = [];
    let drawn = 0;
    const draw = () => {
      if (performance.now() - drawn < 800 / FRAMES_S) return; // the replay has more frames than the film takes
      drawn = performance.now();
      drawFrame(context, stage, canvas);
    };
    draw();
    const recorder = new MediaRecorder(canvas.captureStream(FRAMES_S), { mimeType: kind, videoBitsPerSecond: BITS_S });
    recorder.addEventListener("dataavailable", ({ data }) => { if (data.size) chunks.push(data); });
    recorder.addEventListener("stop", () => {
      save(new Blob(chunks, { type: "video/webm" }));
      viewer.controls.say(`Saved ${FILE_NAME}.`);
    });
    recorder.start(1000);
    viewer.controls.say("Recording the replay until it is paused or ends\u2026");
    return { draw, stop: () => recorder.state !== "inactive" && recorder.stop() };
  };

  function drawFrame(context, stage, { width, height }) {
    const { viewer } = stage, { view, state } = viewer;
    if (viewer.stale) viewer.developNow();
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    context.save();
    context.beginPath();
    context.rect(0, 0, width, height - BAND_PX);
    context.clip();
    egma.drawFilm(context, view, state.film, { quick: true });
    stage.paint(context, view, { legend: false });
    for (const { palettes, look, words } of stage.bars()) egma.drawStageLegend(context, view.stage, palettes, look, words);
    context.restore();
    drawBand(context, stage, width, height - BAND_PX);
  }

  /** Below the film: the sentence being spoken, the moment, and the caveat. */
  function drawBand(context, stage, width, top) {
    const { state } = stage.viewer, sentence = stage.leader?.sentences[stage.sentence()];
    context.fillStyle = "#0b0d10";
    context.fillRect(0, top, width, BAND_PX);
    context.fillStyle = egma.legendStyle.INK;
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.font = `600 14px ${egma.legendStyle.FONT}`;
    context.fillText(sentence ? sentence.text : "", 12, top + 19, width - 110);
    context.font = `12px ${egma.legendStyle.FONT}`;
    const label = stage.badge() || "Recorded gaze";
    context.fillText(`${state.notice} ${label}. Map in seconds per square degree.`, 12, top + 42, width - 24);
    context.textAlign = "right";
    context.fillText(`${stage.clock.now.toFixed(1)} s`, width - 12, top + 19);
  }

  function save(blob) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = FILE_NAME;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
})();
