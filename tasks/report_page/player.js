// Source and dub play as one: the dub is the clock, the source follows it.
const MAX_DRIFT_S = 0.06;
const players = new Map();

class Player {
  constructor(box) {
    this.dub = box.querySelector("video.dub");
    this.source = box.querySelector("video.source");
    this.button = box.querySelector(".play");
    this.seekBar = box.querySelector(".seek");
    this.clock = box.querySelector(".clock");
    this.rows = [...document.querySelectorAll(`tr[data-locale="${box.dataset.player}"]`)];
    this.figures = [...document.querySelectorAll(`[data-timeline="${box.dataset.player}"]`)].map(cursorOf);
    this.lines = JSON.parse(box.querySelector(".cues").textContent);
    this.addSubtitles(box.querySelector(".subtitles"));
    this.button.addEventListener("click", () => this.toggle());
    this.seekBar.addEventListener("input", () => this.seek(Number(this.seekBar.value)));
    for (const radio of box.querySelectorAll("input[type=radio]")) {
      radio.addEventListener("change", () => this.listenTo(radio.value));
    }
    for (const name of ["play", "pause", "ended"]) this.dub.addEventListener(name, () => this.follow());
    // A portrait that speaks is as long as what it says, not as the source.
    const measure = () => { this.seekBar.max = this.dub.duration; this.show(); };
    this.dub.readyState ? measure() : this.dub.addEventListener("loadedmetadata", measure);
    this.dub.addEventListener("seeked", () => this.show());
    this.dub.addEventListener("timeupdate", () => this.show());
  }

  get videos() { return this.source ? [this.dub, this.source] : [this.dub]; }

  toggle() { this.dub.paused ? this.play() : this.pause(); }

  async play() {
    for (const other of players.values()) if (other !== this) other.pause();
    if (this.dub.ended) this.seek(0);
    try {
      await Promise.all(this.videos.map((video) => video.play()));
    } catch (error) {
      if (error.name !== "AbortError") this.clock.textContent = "cannot be played here";
    }
    this.tick();
  }

  pause() { for (const video of this.videos) video.pause(); }

  seek(seconds) {
    for (const video of this.videos) video.currentTime = seconds;
    this.show();
  }

  listenTo(which) {
    this.dub.muted = which === "source";
    if (this.source) this.source.muted = which !== "source";
  }

  follow() {
    const playing = !this.dub.paused && !this.dub.ended;
    this.button.textContent = playing ? "Pause" : "Play";
    this.button.setAttribute("aria-pressed", String(playing));
    if (!playing && this.source) this.source.pause();
  }

  tick() {
    if (this.dub.paused) return;
    if (this.source && !this.source.ended && !this.source.seeking
        && Math.abs(this.source.currentTime - this.dub.currentTime) > MAX_DRIFT_S) {
      this.source.currentTime = this.dub.currentTime;
    }
    this.show();
    requestAnimationFrame(() => this.tick());
  }

  show() {
    const now = this.dub.currentTime;
    this.seekBar.value = now;
    this.clock.textContent = `${asClock(now)} / ${asClock(Number(this.seekBar.max))}`;
    for (const row of this.rows) {
      const line = this.lines.find((one) => one.id === row.querySelector(".jump").textContent);
      row.classList.toggle("now", Boolean(line) && line.start <= now && now < line.end);
    }
    for (const move of this.figures) move(now);
  }

  addSubtitles(box) {
    const track = this.dub.addTextTrack("subtitles", "Dub", "");
    for (const line of this.lines) {
      const cue = new VTTCue(line.start, line.end, line.text.replace(/&/g, "&amp;").replace(/</g, "&lt;"));
      track.addCue(cue);
    }
    track.mode = "hidden";
    box.addEventListener("change", () => { track.mode = box.checked ? "showing" : "hidden"; });
  }
}

// A red line that moves over a figure with the time; the figure says where its axis starts and ends. Where the figure
// is wider than its box, the box follows the line, unless a person has scrolled away from it.
const JUMP_S = 0.5;

function cursorOf(region) {
  const svg = region.querySelector("svg");
  if (!svg.dataset.axis) return () => {};
  const [first, last, left, right] = svg.dataset.axis.split(" ").map(Number);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  line.setAttribute("class", "cursor");
  line.setAttribute("y1", "14");
  line.setAttribute("y2", svg.getAttribute("height"));
  svg.append(line);
  const isSeen = (x) => x >= region.scrollLeft && x <= region.scrollLeft + region.clientWidth;
  let before = { x: left, now: 0 };
  return (now) => {
    const x = left + (Math.min(Math.max(now, first), last) - first) / (last - first) * (right - left);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    const isFollowed = isSeen(before.x) || Math.abs(now - before.now) > JUMP_S;
    if (isFollowed && !isSeen(x)) region.scrollLeft = x - region.clientWidth / 5;
    before = { x, now };
  };
}

function asClock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function playFrom(anchor, seconds) {
  const player = players.get(anchor);
  if (!player) return;
  player.seek(seconds);
  player.play();
}

for (const box of document.querySelectorAll("[data-player]")) players.set(box.dataset.player, new Player(box));
for (const player of players.values()) player.show();
for (const row of document.querySelectorAll("tr[data-seek]")) {
  row.querySelector(".jump").addEventListener("click", () => playFrom(row.dataset.locale, Number(row.dataset.seek)));
}
for (const region of document.querySelectorAll("[data-timeline]")) {
  for (const line of region.querySelectorAll("[data-seek]")) {
    const go = () => playFrom(region.dataset.timeline, Number(line.dataset.seek));
    line.addEventListener("click", go);
    line.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); go(); }
    });
  }
}
