"use strict";
(() => {
  const sounds = JSON.parse(document.getElementById("sounds").textContent);
  const player = document.querySelector(".player");
  const audio = player.querySelector("audio");
  const said = player.querySelector("p");
  let playing = null;

  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  function mark(element) {
    if (playing) playing.classList.remove("playing");
    playing = element;
    if (playing) playing.classList.add("playing");
  }

  // One element plays all sounds, so that one is heard at a time.
  function play(element) {
    player.hidden = false;
    said.textContent = element.dataset.title;
    audio.src = sounds[element.dataset.sound];
    mark(element);
    audio.play().catch((error) => {
      if (error.name !== "AbortError") said.textContent = `This browser does not play it: ${error.message}`;
    });
  }

  function stop() {
    audio.pause();
    mark(null);
  }

  audio.addEventListener("ended", () => mark(null));
  audio.addEventListener("pause", () => mark(null));
  audio.addEventListener("play", () => mark(playing));

  // From one element to the nearest in the direction of an arrow key, by where they are seen.
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function nearest(from, others, [across, down]) {
    const middle = (element) => {
      const box = element.getBoundingClientRect();
      return [box.left + box.width / 2, box.top + box.height / 2];
    };
    const [x, y] = middle(from);
    let best = null;
    let least = Infinity;
    for (const other of others) {
      const [dx, dy] = middle(other).map((value, axis) => value - [x, y][axis]);
      const along = dx * across + dy * down;
      const aside = Math.abs(dx * down) + Math.abs(dy * across);
      const distance = along + 2 * aside;
      if (other !== from && along > 1 && distance < least) [best, least] = [other, distance];
    }
    return best;
  }

  function arrows(within, selector, moved = () => {}) {
    within.addEventListener("keydown", (event) => {
      const from = event.target.closest(selector);
      if (!from || !ARROWS[event.key]) return;
      event.preventDefault();
      const to = nearest(from, all(selector, within), ARROWS[event.key]);
      if (to) {
        moved(from, to);
        to.focus();
      }
    });
  }

  document.addEventListener("click", (event) => {
    const element = event.target.closest("[data-sound]");
    if (!element) return;
    if (element === playing) stop();
    else play(element);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") stop();
  });

  for (const table of all("table.grid")) arrows(table, "[data-sound]");

  for (const row of all(".traversal")) {
    const slider = row.querySelector("input");
    const tiles = all("[data-sound]", row);
    const choose = (number) => {
      tiles.forEach((tile, place) => tile.parentElement.classList.toggle("chosen", place === number));
      slider.value = number;
      slider.setAttribute("aria-valuetext", tiles[number].dataset.title);
      tiles[number].scrollIntoView({ block: "nearest", inline: "nearest" });
    };
    slider.addEventListener("input", () => {
      choose(Number(slider.value));
      play(tiles[Number(slider.value)]);
    });
    tiles.forEach((tile, place) => tile.addEventListener("click", () => choose(place)));
    tiles[Number(slider.value)].parentElement.classList.add("chosen");
  }

  for (const map of all(".map")) {
    const points = all(".point", map);
    const markers = JSON.parse(map.querySelector("svg[data-markers]").dataset.markers);
    const caption = map.querySelector("figcaption");
    const choose = (point) => {
      for (const other of points) other.setAttribute("tabindex", other === point ? 0 : -1);
      caption.textContent = point.dataset.title;
    };
    arrows(map, ".point", (from, to) => choose(to));
    for (const point of points) {
      point.addEventListener("click", () => choose(point));
      point.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        point.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      });
    }
    const select = map.querySelector("select");
    if (!select) continue;
    select.addEventListener("change", () => {
      for (const legend of all(".legend", map)) legend.hidden = legend.dataset.factor !== select.value;
      for (const point of points) {
        const number = JSON.parse(point.dataset.classes)[select.value];
        const path = point.querySelector("path");
        path.setAttribute("class", `c${number % 8}`);
        path.setAttribute("d", markers[number % markers.length]);
      }
    });
  }
})();
