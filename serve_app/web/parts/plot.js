// A chart with axes and zoom (drag; double click shows all), by uPlot.

import uPlot from "../vendor/uplot.js";
import { preferences } from "../state/preferences.js";
import { useStore } from "../state/store.js";
import { html, useEffect, useRef } from "./html.js";

const HEIGHT = 190;

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** @param {{title: string, data: any[], labels: string[], xLabel: string, stamp: any}} props `stamp` changes with `data` */
export function Plot({ title, data, labels, xLabel, stamp }) {
  const box = useRef(/** @type {any} */ (null));
  const plot = useRef(/** @type {any} */ (null));
  const theme = useStore(preferences, (value) => value.theme);
  const shape = `${labels.join()} ${theme}`;
  useEffect(() => {
    const ink = colour("--dim"), line = colour("--line");
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "11px system-ui" };
    plot.current = new (/** @type {any} */ (uPlot))({
      width: box.current.clientWidth, height: HEIGHT, scales: { x: { time: false } },
      axes: [{ ...axis, label: xLabel, labelSize: 16, labelFont: "11px system-ui", size: 30 }, { ...axis, size: 60, values: (/** @type {any} */ _, /** @type {number[]} */ ticks) => ticks.map(short) }],
      series: [{ label: xLabel }, ...labels.map((label, index) => ({
        label, width: index === labels.length - 1 ? 2 : 1, spanGaps: true,
        stroke: colour(index === labels.length - 1 ? "--accent" : `--old${(labels.length - 2 - index) % 3}`),
        points: { show: data[0].length < 30, size: 5 },
      }))],
      legend: { live: true }, cursor: { drag: { x: true, y: false } },
    }, data, box.current);
    const sized = new ResizeObserver(() => box.current && plot.current?.setSize({ width: box.current.clientWidth, height: HEIGHT }));
    sized.observe(box.current);
    return () => { sized.disconnect(); plot.current?.destroy(); plot.current = null; };
  }, [shape]);
  useEffect(() => { plot.current?.setData(data); }, [stamp]);
  const last = [...(data[data.length - 1] ?? [])].reverse().find((value) => value !== null);
  return html`<figure class="plot"><figcaption><span>${title}</span><strong>${short(last)}</strong></figcaption>
    <div ref=${box} role="img" aria-label=${`${title}: ${short(last)}`}></div></figure>`;
}

/** @param {number | undefined | null} value */
function short(value) {
  if (value === undefined || value === null) return "";
  return Math.abs(value) >= 1000 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}
