// The report as a picture: CPU an operation of everyone beside the floor, on a logarithmic scale. Pure; SVG by hand.
import type { Report } from './summary.ts';

const WIDTH = 960;
const LEFT = 220;
const RIGHT = 70;
const TOP = 90;
const BAR = 9;
const GAP = 14;
const FLOOR = 'floor-http';
const COLOURS = ['#0b6e4f', '#8d99ae', '#5c7cba', '#c9ada7', '#e09f3e', '#9e2a2b'];
const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20];

export function renderPlot(report: Report): string {
  const shown = report.contestants.filter(({ name }) => name !== FLOOR).map(({ name }) => name);
  const lines = report.lines.filter(({ cells }) => (cells[FLOOR]?.cpuMicros ?? 0) > 0);
  const least = TICKS[0] as number;
  const most = TICKS.at(-1) as number;
  const span = Math.log(most / least);
  const x = (ratio: number): number =>
    LEFT + ((WIDTH - LEFT - RIGHT) * Math.log(Math.min(most, Math.max(least, ratio)) / least)) / span;
  const group = shown.length * BAR + GAP;
  const height = TOP + lines.length * group + 30;

  const title = 'CPU of the proxy an operation, floor-http = 1 (shorter is better)';
  const out: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="17" fill="#222">${title}</text>`,
    `<text x="16" y="44" fill="#666">Medians of ${report.rounds} round${report.rounds === 1 ? '' : 's'} in one run; the floor forwards and checks nothing.</text>`,
  ];
  shown.forEach((name, index) => {
    const at = 16 + index * 130;
    out.push(`<rect x="${at}" y="56" width="12" height="12" fill="${colourOf(index)}"/>`);
    out.push(`<text x="${at + 17}" y="67" fill="#222">${escapeXml(name)}</text>`);
  });
  for (const tick of TICKS) {
    const isFloor = tick === 1;
    out.push(
      `<line x1="${x(tick)}" y1="${TOP - 6}" x2="${x(tick)}" y2="${height - 24}" stroke="${isFloor ? '#222' : '#ddd'}" stroke-width="${isFloor ? 1.5 : 1}"/>`,
      `<text x="${x(tick)}" y="${height - 8}" text-anchor="middle" fill="#666">${tick}</text>`,
    );
  }
  lines.forEach(({ workload, cells }, row) => {
    const y = TOP + row * group;
    out.push(
      `<text x="${LEFT - 10}" y="${y + (shown.length * BAR) / 2 + 4}" text-anchor="end" fill="#222">${escapeXml(workload)}</text>`,
    );
    shown.forEach((name, index) => {
      const cell = cells[name];
      if (cell === undefined) return;
      const ratio = cell.cpuMicros / (cells[FLOOR]?.cpuMicros ?? 1);
      const [from, to] = ratio < 1 ? [x(ratio), x(1)] : [x(1), x(ratio)];
      const top = y + index * BAR;
      out.push(
        `<rect x="${from.toFixed(1)}" y="${top}" width="${Math.max(1, to - from).toFixed(1)}" height="${BAR - 1}" fill="${colourOf(index)}"/>`,
        `<text x="${(ratio < 1 ? from - 4 : to + 4).toFixed(1)}" y="${top + BAR - 1}" text-anchor="${ratio < 1 ? 'end' : 'start'}" font-size="9" fill="#444">${ratio.toFixed(2)}</text>`,
      );
    });
  });
  out.push('</svg>');
  return `${out.join('\n')}\n`;
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] as string;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
