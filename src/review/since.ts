// `--since`: a duration back from now, or a point in time.

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds since the epoch; null when the text is neither `90s`, `10m`, `1h30m`, `2d` nor a date or time of day. */
export function parseSince(text: string, nowMs: number): number | null {
  if (/^(\d+[smhdw])+$/.test(text)) {
    let back = 0;
    for (const [, count, unit] of text.matchAll(/(\d+)([smhdw])/g)) back += Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
    return nowMs - back;
  }
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (clock !== null)
    return timeOfDay(
      clock.slice(1).map((part) => Number(part ?? 0)),
      nowMs,
    );
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return null;
  const parsed = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text);
  return Number.isNaN(parsed) ? null : parsed;
}

/** Today at that time, or yesterday when that is still to come. */
function timeOfDay(parts: readonly number[], nowMs: number): number | null {
  const [hours = 0, minutes = 0, seconds = 0] = parts;
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  const then = new Date(nowMs);
  then.setHours(hours, minutes, seconds, 0);
  if (then.getTime() > nowMs) then.setDate(then.getDate() - 1);
  return then.getTime();
}
