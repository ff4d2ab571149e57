// The page's own script. It stands in the head, so that it runs before Gradio asks for the microphone.
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
      if (inClip(event) && event.target.type === "file") event.target.accept = "audio/*,video/*,*/*";
    },
    true,
  );

  // The player: Gradio keeps the sound in a shadow root; the element that has a duration is the one that plays.
  const inside = (root, selector) => {
    const found = [...root.querySelectorAll(selector)];
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) found.push(...inside(element.shadowRoot, selector));
    }
    return found;
  };
  const player = () => {
    const clip = document.getElementById("clip");
    return clip && inside(clip, "audio").find((audio) => audio.duration > 0);
  };

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
  // and fall silent again, hence the second try.
  const playWhenLoaded = (before, attempts) => {
    const audio = player();
    if (audio && audio.src !== before) {
      if (audio.currentTime > 1) return;
      const play = document.querySelector('#clip button[aria-label="Play"]');
      if (play && audio.paused && audio.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) play.click();
    }
    if (attempts > 0) setTimeout(() => playWhenLoaded(before, attempts - 1), 150);
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
    if (event.target.closest(".examples button")) {
      const audio = player();
      playWhenLoaded(audio ? audio.src : "", 40);
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
    const chosen = document.querySelector("#chosen .wrap");
    if (chosen && !chosen.hasAttribute("role")) {
      chosen.setAttribute("role", "group");
      chosen.setAttribute("aria-label", "Models that answer");
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
