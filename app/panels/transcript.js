// The dictation beside the film: the spoken word is lit, a sentence jumps to its gaze. Follows the replay in the browser.
const AWAY = 40;

const wordsOf = (stage, sentence) => {
  const words = stage.leader.words.slice(sentence.first, sentence.last);
  return words.flatMap((word, at) => {
    const text = word.text.trim();
    const span = make("span", { class: "egma-word", "data-word": sentence.first + at, text: at === 0 ? text.charAt(0).toUpperCase() + text.slice(1) : text });
    return at > 0 && !/^[.,?!;:%)]/.test(text) ? [" ", span] : [span];
  });
};

const line = (stage, sentence, index, act) => make("li", {},
  make("button", { type: "button", "data-sentence": index, title: "Show what was looked at for this sentence", on: { click: () => act(index) } },
    make("span", { class: "egma-when", text: sentence.start_s.toFixed(1) + "\u202fs" }),
    make("span", { class: "egma-said" }, ...wordsOf(stage, sentence)),
    make("span", { class: "egma-count", text: sentence.fixations === 0 ? "no gaze" : String(sentence.fixations), title: sentence.fixations + " fixations belong to it" })));

const fill = (root, stage, act) => {
  const { leader } = stage;
  const head = leader && (leader.sentences.length
    ? `Dictation of ${leader.name}${leader.simulated ? " \u2014 simulated" : ""}`
    : `${leader.name}: no dictation came with this recording.`);
  root.replaceChildren(
    make("p", { class: "egma-meaning", text: head || "The dictation of a recording is shown here, each word lit as it is spoken." }),
    make("ol", { class: "egma-transcript", "aria-label": "Sentences" }, ...(leader ? leader.sentences : []).map((sentence, index) => line(stage, sentence, index, act))));
};

const light = (root, stage) => {
  const { leader } = stage;
  const word = leader ? leader.wordAt(stage.clock.now) : -1;
  const sentence = leader && (stage.span !== "whole" || stage.clock.playing) ? stage.sentence() : -1;
  const key = word + " " + sentence + " " + stage.span;
  if (root.dataset.lit === key) return;
  root.dataset.lit = key;
  for (const each of root.querySelectorAll(".egma-lit")) each.classList.remove("egma-lit");
  root.querySelector(`[data-word="${word}"]`)?.classList.add("egma-lit");
  for (const each of root.querySelectorAll("[data-sentence]")) {
    if (Number(each.dataset.sentence) === sentence) each.setAttribute("aria-current", "true");
    else each.removeAttribute("aria-current");
  }
  const current = root.querySelector("[aria-current]"), list = root.querySelector("ol");
  if (current && list && (current.offsetTop < list.scrollTop || current.offsetTop + AWAY > list.scrollTop + list.clientHeight)) list.scrollTop = current.offsetTop - AWAY;
};

const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root || root.dataset.mounted) return;
  root.dataset.mounted = "true";
  const act = (index) => {
    const stage = window.egmaViewer?.gazeStage;
    if (!stage) return;
    stage.showSentence(index);
    trigger("choose_sentence", { index, reader: stage.leader.id });
  };
  let shown = null;
  const follow = ({ detail: { stage } }) => {
    if (!element.isConnected) return document.removeEventListener("egma-gaze", follow);
    const key = stage.opened + (stage.leader ? stage.leader.id : "");
    if (shown !== key) {
      shown = key;
      delete root.dataset.lit;
      fill(root, stage, act);
    }
    light(root, stage);
  };
  document.addEventListener("egma-gaze", follow);
  const stage = window.egmaViewer?.gazeStage;
  if (stage) follow({ detail: { stage } });
  else root.replaceChildren(make("p", { class: "egma-meaning", text: "The dictation of a recording is shown here, each word lit as it is spoken." }));
};
