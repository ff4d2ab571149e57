// The page's own script. It stands in the head, so that it runs before Gradio asks for the microphone.

// Gradio keeps the sound in a shadow root; the element that has a duration is the one that plays.
function playerIn(id) {
  const inside = (root) => {
    const found = [...root.querySelectorAll("audio")];
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) found.push(...inside(element.shadowRoot));
    }
    return found;
  };
  const box = document.getElementById(id);
  return box && inside(box).find((audio) => audio.duration > 0);
}

// A mark over a Plotly figure from one value of its seconds (or whatever its first axis counts) to another; a line
// where `to` is left out. Redrawing the figure itself would take too long for every picture of the screen.
// It is as high as all that stands over that axis.
function markOn(plot, name, from, to = from) {
  const { xaxis, _plots: parts } = plot._fullLayout || {};
  if (!xaxis || !parts) return;
  let mark = plot.querySelector(`.${name}`);
  if (!mark) {
    mark = document.createElement("div");
    mark.className = name;
    plot.append(mark);
  }
  const [start, end] = [from, to].map((value) => xaxis.d2p(value));
  mark.hidden = !(from >= 0 && end >= 0 && start <= xaxis._length);
  const [left, right] = [Math.max(0, start), Math.min(xaxis._length, end)];
  const above = Object.values(parts).filter((part) => part.xaxis === xaxis).map((part) => part.yaxis);
  const top = Math.min(...above.map((yaxis) => yaxis._offset));
  const bottom = Math.max(...above.map((yaxis) => yaxis._offset + yaxis._length));
  const width = to > from ? { width: `${right - left}px` } : {};
  const place = { left: `${xaxis._offset + left}px`, top: `${top}px`, height: `${bottom - top}px`, bottom: "auto" };
  Object.assign(mark.style, place, width);
}

(() => {
  "use strict";
  document.documentElement.lang = "en-GB";

  // Microphone: music must reach the models as it sounds, so the browser's voice processing is switched off.
  const RAW = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const BLOCKED =
    "The browser blocks the microphone. It only works on https or localhost; allow it in the address bar, or upload a file.";
  const MISSING = "No microphone was found. Plug one in and try again, or upload a file.";
  const BUSY = "The microphone cannot be read; another program may be using it. Close that program, or upload a file.";

  const tellMicrophone = (sentence) => {
    const notice = document.getElementById("microphone-notice");
    if (!notice) return false;
    notice.hidden = !sentence;
    notice.querySelector("p").textContent = sentence;
    return true;
  };

  const media = navigator.mediaDevices;
  if (media && media.getUserMedia) {
    const original = media.getUserMedia.bind(media);
    media.getUserMedia = async (constraints) => {
      const asked = { ...constraints };
      if (asked.audio) asked.audio = { ...(asked.audio === true ? {} : asked.audio), ...RAW };
      try {
        const stream = await original(asked);
        tellMicrophone("");
        return stream;
      } catch (error) {
        const reasons = { NotFoundError: MISSING, NotReadableError: BUSY };
        tellMicrophone(reasons[error.name] || BLOCKED);
        throw error;
      }
    };
  }

  // Files: Gradio's upload goes by the type that the browser guesses from a file's name, and so refuses WebM
  // recordings and odd names. What a file holds is for the server to find out, so each goes as sound.
  const asSound = (files) => {
    const transfer = new DataTransfer();
    for (const file of files) {
      const sound = file.type.startsWith("audio/") ? file : new File([file], file.name, { type: "audio/wav" });
      transfer.items.add(sound);
    }
    return transfer;
  };
  const foreign = (files) => [...files].some((file) => !file.type.startsWith("audio/"));
  const inClip = (event) => event.target.closest && event.target.closest("#clip");
  document.addEventListener(
    "change",
    (event) => {
      const input = event.target;
      if (inClip(event) && input.type === "file" && foreign(input.files)) input.files = asSound(input.files).files;
    },
    true,
  );
  document.addEventListener(
    "drop",
    (event) => {
      if (!inClip(event) || !event.dataTransfer || !foreign(event.dataTransfer.files)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const dataTransfer = asSound(event.dataTransfer.files);
      event.target.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
    },
    true,
  );
  document.addEventListener(
    "click",
    (event) => {
      if (!inClip(event)) return;
      if (event.target.type === "file") event.target.accept = "audio/*,video/*,*/*";
      if (event.isTrusted) preview.isAwaited = false;
    },
    true,
  );

  // One sound at a time: Gradio's players are started by a script, which no event tells of, as they sit in shadow
  // roots; the others by the browser.
  let sounding;
  const hush = (audio) => {
    if (sounding && sounding !== audio) sounding.pause();
    sounding = audio;
    if (!(audio.getRootNode().host || audio).closest("#clip")) preview.isAwaited = false;
  };
  const { play } = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.play = function () {
    hush(this);
    const begun = play.call(this);
    begun.catch(() => {}); // hushed before it began: nothing went wrong
    return begun;
  };
  document.addEventListener("play", (event) => hush(event.target), true);

  // A slider's number field tells the server what stands in it before it corrects that: it is corrected first.
  document.addEventListener(
    "change",
    ({ target: field }) => {
      if (field.dataset.testid !== "number-input" || !field.min || !field.max) return;
      const value = String(Math.min(Math.max(Number(field.value), Number(field.min)), Number(field.max)));
      if (field.value === value) return;
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    },
    true,
  );

  const player = () => playerIn("clip");

  // The example that is in the player is stopped and played on by its own button, which says so.
  const preview = { button: null, src: "", isAwaited: false };
  const markPreview = (audio) => {
    for (const button of document.querySelectorAll("#examples .examples button")) {
      const isHeard = button === preview.button && audio.src === preview.src && !audio.paused;
      if (button.classList.contains("is-heard") === isHeard) continue;
      button.classList.toggle("is-heard", isHeard);
      const [was, is] = isHeard ? ["Hear and ask:", "Pause:"] : ["Pause:", "Hear and ask:"];
      button.ariaLabel = button.ariaLabel.replace(was, is);
    }
  };
  document.addEventListener(
    "click",
    (event) => {
      const audio = player();
      const button = event.target.closest && event.target.closest("#examples .examples button");
      if (!audio || !button || button !== preview.button || audio.src !== preview.src) return;
      event.stopPropagation();
      preview.isAwaited = false;
      if (audio.paused) audio.play();
      else audio.pause();
    },
    true,
  );

  const moveMarker = () => {
    const marker = document.querySelector(".timeline .playhead");
    const audio = marker && player();
    if (audio) {
      const share = audio.currentTime / Number(marker.closest(".timeline").dataset.duration);
      marker.hidden = !(audio.currentTime > 0 && share <= 1);
      marker.style.left = `${100 * share}%`;
    }
  };
  const followPlayer = () => {
    moveMarker();
    const audio = player();
    if (audio && preview.button) markPreview(audio);
    if (audio && !audio.paused) requestAnimationFrame(followPlayer);
    else setTimeout(followPlayer, 250);
  };

  const playFrom = (start) => {
    const audio = player();
    if (audio) {
      audio.currentTime = start;
      audio.play();
    }
  };

  // An example is heard as soon as it is loaded: the click on it allows the sound. The player may load it twice
  // and fall silent again, hence the second try; but not against the visitor, or another sound.
  const PATIENCE = 200; // looks, 150 ms apart
  const playWhenLoaded = (button, before, looks = PATIENCE) => {
    if (button !== preview.button) return;
    const audio = player();
    if (audio && audio.src !== before) {
      preview.src = audio.src;
      if (audio.currentTime > 1 || !preview.isAwaited) return;
      const play = document.querySelector('#clip button[aria-label="Play"]');
      if (play && audio.paused && audio.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) play.click();
    }
    if (looks > 0) setTimeout(() => playWhenLoaded(button, before, looks - 1), 150);
  };

  // Hovering the timeline names the cell.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.addEventListener("pointermove", (event) => {
    const cell = event.target.closest && event.target.closest("[data-tip]");
    tip.hidden = !cell;
    if (!cell) return;
    tip.textContent = cell.dataset.tip;
    const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    tip.style.translate = `${Math.max(8, left)}px ${event.clientY + 18}px`;
  });

  const copyLink = async (box) => {
    const link = new URL(location.pathname, location.origin);
    link.searchParams.set("report", box.dataset.token);
    const said = box.querySelector("[role=status]");
    try {
      await navigator.clipboard.writeText(link.href);
      said.textContent = "Copied. The link holds the numbers, not the sound.";
    } catch {
      const field = box.querySelector("input");
      field.hidden = false;
      field.value = link.href;
      field.select();
      said.textContent = "Copy this link:";
    }
  };

  document.addEventListener("click", (event) => {
    const cell = event.target.closest(".timeline [data-start]");
    if (cell) playFrom(Number(cell.dataset.start));
    const share = event.target.closest(".share button");
    if (share) copyLink(share.closest(".share"));
    const pressed = event.target.closest("#examples .examples button");
    if (pressed) {
      const audio = player();
      Object.assign(preview, { button: pressed, src: "", isAwaited: true });
      playWhenLoaded(pressed, audio ? audio.src : "");
    }
  });

  const onlyHere = /^(localhost|127\.|0\.0\.0\.0|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[)|\.(local|lan)$/;
  if (!onlyHere.test(location.hostname)) document.documentElement.classList.add("is-public");

  // What Gradio renders later: times in the visitor's own clock, names and live regions for screen readers.
  const dress = () => {
    for (const time of document.querySelectorAll("time[datetime]:not([data-local])")) {
      time.dataset.local = "";
      time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    }
    const verdict = document.getElementById("verdict");
    if (verdict && !verdict.hasAttribute("aria-live")) verdict.setAttribute("aria-live", "polite");
    for (const group of document.querySelectorAll("fieldset:not([aria-label])")) {
      const title = group.querySelector("[data-testid=block-info]");
      if (title && title.textContent.trim()) group.setAttribute("aria-label", title.textContent.trim());
    }
  };
  const start = () => {
    document.body.append(tip);
    new MutationObserver(dress).observe(document.body, { childList: true, subtree: true });
    followPlayer();
    if (!(media && media.getUserMedia)) {
      const wait = setInterval(() => tellMicrophone(BLOCKED) && clearInterval(wait), 200);
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();

// The Melody tab: the small keyboard, and what plays or is pressed on the piano roll.
(() => {
  "use strict";
  const STEPS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
  const LOWEST_OCTAVE = 1;
  const HIGHEST_OCTAVE = 6;
  const QUARTERS_A_WHOLE = 4;
  let octave = 4;
  let sound;

  // Notes go into the text field as if they were typed there, so that there is one place to read and to mend them.
  const typeNotes = (change) => {
    const field = document.querySelector("#melody-notes textarea");
    const words = field.value.split(/[\s,;|]+/).filter(Boolean);
    field.value = change(words).join(" ");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.scrollTop = field.scrollHeight;
  };
  const add = (name, keyboard) => {
    const length = keyboard.querySelector("select").value;
    typeNotes((words) => [...words, length === "1/8" ? name : `${name}:${length}`]);
  };

  const hear = (midi) => {
    sound = sound || new AudioContext();
    const [string, level] = [sound.createOscillator(), sound.createGain()];
    string.type = "triangle";
    string.frequency.value = 440 * 2 ** ((midi - 69) / 12);
    level.gain.setValueAtTime(0.25, sound.currentTime);
    level.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + 0.5);
    string.connect(level).connect(sound.destination);
    string.start();
    string.stop(sound.currentTime + 0.5);
  };

  const shift = (keyboard, by) => {
    octave = Math.min(HIGHEST_OCTAVE, Math.max(LOWEST_OCTAVE, octave + by));
    keyboard.querySelector(".range").textContent = `from C${octave}`;
    for (const key of keyboard.querySelectorAll("[data-name]")) {
      const name = key.dataset.name.replace("#", " sharp ");
      key.setAttribute("aria-label", name + (octave + Number(key.dataset.step)));
    }
    keyboard.querySelector('[data-octave="-1"]').disabled = octave === LOWEST_OCTAVE;
    keyboard.querySelector('[data-octave="1"]').disabled = octave === HIGHEST_OCTAVE;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".keyboard button");
    if (!button) return;
    const keyboard = button.closest(".keyboard");
    const { name, step, word, erase, octave: by } = button.dataset;
    if (by) shift(keyboard, Number(by));
    else if (erase) typeNotes((words) => (erase === "all" ? [] : words.slice(0, -1)));
    else if (word) add(word, keyboard);
    else {
      const place = octave + Number(step);
      add(`${name}${place}`, keyboard);
      hear(12 * (place + 1) + STEPS.indexOf(name));
    }
  });

  // A figure is drawn anew for every value, so it is named and wired again whenever it is found without.
  const PRESSED = ["melody-roll", "attention-all", "inside-maps", "translate-heads", "continue-heads"];
  const wire = () => {
    for (const plot of document.querySelectorAll(".js-plotly-plot:not([role])")) {
      if (!plot.on || !plot.layout) continue;
      plot.setAttribute("role", "figure");
      plot.setAttribute("aria-label", (plot.layout.meta && plot.layout.meta.alt) || "Figure");
      const box = PRESSED.find((id) => plot.closest(`#${id}`));
      if (!box) continue;
      plot.on("plotly_click", ({ points }) => {
        const detail = { plot: box, curve: points[0].curveNumber, point: points[0].pointNumber };
        document.dispatchEvent(new CustomEvent("plot-click", { detail }));
      });
    }
    const field = document.querySelector("#melody-notes textarea");
    const wrong = document.querySelector("#melody-said [role=alert]");
    if (field) field.setAttribute("aria-invalid", String(Boolean(wrong)));
    if (field) field.setAttribute("aria-errormessage", "melody-said");
    const status = document.getElementById("melody-status");
    if (status) status.setAttribute("role", "status");
  };

  const player = () => playerIn("melody-player");

  const moveMarker = (audio) => {
    const plot = document.querySelector("#melody-roll .js-plotly-plot");
    const sheet = document.querySelector("#melody-sheet [data-tempo]");
    if (!plot || !sheet) return;
    const wholes = (audio.currentTime * Number(sheet.dataset.tempo)) / 60 / QUARTERS_A_WHOLE;
    markOn(plot, "playhead", audio.currentTime > 0 ? wholes : NaN);
  };
  const follow = () => {
    wire();
    const audio = player();
    if (audio) moveMarker(audio);
    if (audio && !audio.paused) requestAnimationFrame(follow);
    else setTimeout(follow, 250);
  };

  follow();
})();
