"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const shelf = by("shelf");
  const said = by("said");
  const results = by("results");
  const made = by("made");
  const player = document.querySelector(".player");
  const audio = player.querySelector("audio");
  const sounds = {};
  const chosen = { source: null, target: null };
  let playing = null;
  let asked = 0;

  function tell(text, isError = false) {
    said.textContent = text;
    said.classList.toggle("error", isError);
  }

  async function ask(path, options) {
    const answer = await fetch(path, options);
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.error);
    Object.assign(sounds, content.sounds);
    return content;
  }

  // One element plays all sounds, so that one is heard at a time.
  function mark(element) {
    if (playing) playing.classList.remove("playing");
    playing = element;
    if (playing) playing.classList.add("playing");
  }

  function play(element) {
    player.hidden = false;
    player.querySelector("p").textContent = element.dataset.title;
    audio.src = sounds[element.dataset.sound];
    mark(element);
    audio.play().catch((error) => {
      if (error.name !== "AbortError") tell(`This browser does not play it: ${error.message}`, true);
    });
  }

  function stop() {
    audio.pause();
    mark(null);
  }

  audio.addEventListener("ended", () => mark(null));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") stop();
  });
  document.addEventListener("click", (event) => {
    const element = event.target.closest("[data-sound]");
    if (!element) return;
    if (element === playing && !audio.paused) stop();
    else play(element);
  });

  function fill(tile, of) {
    tile.dataset.sound = of.sound;
    tile.dataset.title = of.title;
    const image = tile.querySelector("img");
    image.src = of.picture;
    image.alt = `spectrogram of ${of.title}`;
    return tile;
  }

  function put(of) {
    const item = by("item").content.firstElementChild.cloneNode(true);
    const number = shelf.children.length;
    item.querySelector(".caption").textContent = of.title;
    fill(item.querySelector(".tile"), of);
    for (const button of item.querySelectorAll("[data-role]")) {
      button.setAttribute("aria-label", `${of.title} as ${button.dataset.role}`);
      button.addEventListener("click", () => choose(button.dataset.role, number));
    }
    shelf.append(item);
    return number;
  }

  function choose(role, number) {
    chosen[role] = chosen[role] === number ? null : number;
    [...shelf.children].forEach((item, place) => {
      const button = item.querySelector(`[data-role="${role}"]`);
      if (button) button.setAttribute("aria-pressed", String(chosen[role] === place));
    });
    hear();
  }

  function figure(of, caption) {
    const element = document.createElement("figure");
    const tile = shelf.querySelector(".tile").cloneNode(true);
    tile.classList.remove("playing");
    element.append(fill(tile, of), document.createElement("figcaption"));
    element.lastElementChild.textContent = caption;
    return element;
  }

  function group(className, tiles) {
    const element = document.createElement("div");
    element.className = className;
    element.append(...tiles);
    return element;
  }

  function row(of) {
    if (!of.attribute) return group("swaps", of.tiles.map((tile) => figure(tile, tile.title)));
    const heading = document.createElement("h3");
    heading.textContent = of.title;
    const strip = group("strip", of.tiles.map((tile) => figure(tile, tile.note)));
    return group("traversal", [heading, group("scroll", [strip]), slider(of, strip)]);
  }

  function slider(of, strip) {
    const tiles = [...strip.querySelectorAll(".tile")];
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min: 0, max: tiles.length - 1, step: 1, value: Math.floor(tiles.length / 2) });
    input.setAttribute("aria-label", of.attribute);
    const show = () => {
      tiles.forEach((tile, place) => tile.parentElement.classList.toggle("chosen", place === Number(input.value)));
      input.setAttribute("aria-valuetext", tiles[input.value].dataset.title);
    };
    input.addEventListener("input", () => {
      show();
      play(tiles[input.value]);
    });
    tiles.forEach((tile, place) => tile.addEventListener("click", () => {
      input.value = place;
      show();
    }));
    show();
    return input;
  }

  async function hear() {
    if (chosen.source === null) return;
    const turn = (asked += 1);
    results.hidden = false;
    results.setAttribute("aria-busy", "true");
    try {
      const content = await ask("hear", { method: "POST", body: JSON.stringify(chosen) });
      if (turn !== asked) return; // something else was chosen meanwhile
      made.replaceChildren(...content.rows.map(row));
      tell("");
    } catch (error) {
      tell(error.message, true);
    }
    if (turn === asked) results.removeAttribute("aria-busy");
  }

  // What the browser can decode it decodes, recordings too; the rest is sent as it is.
  async function asWav(content) {
    const context = new AudioContext();
    try {
      const decoded = await context.decodeAudioData(content.slice(0));
      return wav(decoded);
    } catch {
      return content;
    } finally {
      context.close();
    }
  }

  function wav(decoded) {
    const { length, numberOfChannels: n, sampleRate } = decoded;
    const mixed = new Float32Array(length);
    for (let channel = 0; channel < n; channel += 1) {
      decoded.getChannelData(channel).forEach((value, place) => { mixed[place] += value / n; });
    }
    const view = new DataView(new ArrayBuffer(44 + 4 * length));
    const text = (place, letters) => [...letters].forEach((letter, i) => view.setUint8(place + i, letter.charCodeAt(0)));
    text(0, "RIFF"); view.setUint32(4, 36 + 4 * length, true); text(8, "WAVEfmt ");
    view.setUint32(16, 16, true); view.setUint16(20, 3, true); view.setUint16(22, 1, true); // 32-bit float, mono
    view.setUint32(24, sampleRate, true); view.setUint32(28, 4 * sampleRate, true);
    view.setUint16(32, 4, true); view.setUint16(34, 32, true); text(36, "data"); view.setUint32(40, 4 * length, true);
    mixed.forEach((value, place) => view.setFloat32(44 + 4 * place, value, true));
    return view.buffer;
  }

  async function add(content, name) {
    tell(`Reading ${name} …`);
    try {
      const body = await asWav(content);
      const answer = await ask(`sounds?name=${encodeURIComponent(name)}`, { method: "POST", body });
      tell(`${name} is on the shelf.`);
      const number = put(answer.shelf[0]);
      shelf.lastElementChild.scrollIntoView({ block: "nearest" });
      if (chosen.source !== number) choose("source", number);
    } catch (error) {
      tell(error.message, true);
    }
  }

  async function addFiles(files) {
    for (const file of files) await add(await file.arrayBuffer(), file.name);
  }

  by("files").addEventListener("change", (event) => {
    addFiles([...event.target.files]);
    event.target.value = "";
  });
  const drop = document.querySelector(".drop");
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") addFiles([...event.dataTransfer.files]);
    });
  }

  const record = by("record");
  let recorder = null;
  let recordings = 0;
  record.addEventListener("click", async () => {
    if (recorder) {
      recorder.stop();
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
      const parts = [];
      recorder = new MediaRecorder(stream);
      recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
      recorder.addEventListener("stop", async () => {
        stream.getTracks().forEach((track) => track.stop());
        recorder = null;
        record.textContent = "Record";
        record.setAttribute("aria-pressed", "false");
        recordings += 1;
        add(await new Blob(parts).arrayBuffer(), `recording ${recordings}`);
      });
      recorder.start();
      record.textContent = "Stop";
      record.setAttribute("aria-pressed", "true");
      tell("Recording …");
    } catch (error) {
      tell(`The microphone cannot be had: ${error.message}`, true);
    }
  });

  ask("shelf").then((content) => content.shelf.forEach(put), (error) => tell(error.message, true));
})();
