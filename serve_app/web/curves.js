// Curves of a training, one small picture a metric, drawn as SVG.

const SVG = "http://www.w3.org/2000/svg";
const MAX_POINTS = 400;

export class Curves {
  constructor(panel, box) {
    this.panel = panel;
    this.box = box;
    this.clear();
  }

  clear() {
    this.series = new Map();
    this.figures = new Map();
    this.box.replaceChildren();
    this.panel.hidden = true;
  }

  add(data) {
    for (const [name, value] of Object.entries(data.values ?? {})) {
      if (typeof value !== "number") continue;
      const points = this.series.get(name) ?? [];
      points.push(value);
      this.series.set(name, points);
    }
  }

  draw() {
    for (const [name, points] of this.series) {
      const { line, last } = this.figure(name);
      last.textContent = short(points.at(-1));
      line.setAttribute("points", path(thin(points)));
    }
    this.panel.hidden = this.series.size === 0;
  }

  figure(name) {
    if (this.figures.has(name)) return this.figures.get(name);
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const label = document.createElement("span");
    const last = document.createElement("strong");
    label.textContent = name;
    caption.append(label, last);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 100 100");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", name);
    const line = document.createElementNS(SVG, "polyline");
    svg.append(line);
    figure.append(caption, svg);
    this.box.append(figure);
    this.figures.set(name, { line, last });
    return this.figures.get(name);
  }
}

function thin(points) {
  const every = Math.ceil(points.length / MAX_POINTS);
  return points.filter((_, index) => index % every === 0 || index === points.length - 1);
}

function path(points) {
  const low = Math.min(...points), high = Math.max(...points);
  const height = high - low || 1, width = Math.max(points.length - 1, 1);
  return points.map((value, index) => `${(100 * index) / width},${96 - (92 * (value - low)) / height}`).join(" ");
}

function short(value) {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}
