/** Times in the viewer's zone, UTC on request, and ages in words. */

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MINUTE = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { year: "numeric", month: "short", day: "2-digit" });
const SHORT_DAY = new Intl.DateTimeFormat("en-GB", { month: "short", day: "2-digit" });

export const viewerZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

function valid(iso: string | null | undefined): Date | null {
  if (!iso) return null;
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? null : at;
}

/** The latest of some times; null where none is known. */
export function newest(times: (string | null | undefined)[]): string | null {
  const known = times.filter((iso): iso is string => valid(iso) !== null);
  return known.reduce<string | null>((latest, iso) => (latest === null || Date.parse(iso) > Date.parse(latest) ? iso : latest), null);
}

/** 14:35 */
export function minuteText(iso: string | null | undefined): string {
  const at = valid(iso);
  return at ? MINUTE.format(at) : "unknown";
}

/** 03 Mar, with the year when it is not this one */
export function dayText(iso: string | null | undefined, now: number = Date.now()): string {
  const at = valid(iso);
  if (!at) return "unknown";
  return (at.getFullYear() === new Date(now).getFullYear() ? SHORT_DAY : DAY).format(at);
}

/** 14:35:07 */
export function clockText(iso: string | null | undefined): string {
  const at = valid(iso);
  return at ? CLOCK.format(at) : "unknown";
}

/** 03 Mar 14:35:07, with the year when it is not this one */
export function stampText(iso: string | null | undefined, now: number = Date.now()): string {
  const at = valid(iso);
  if (!at) return "unknown";
  return `${dayText(iso, now)} ${CLOCK.format(at)}`;
}

/** 2024-03-03 14:35:07 UTC */
export function utcText(iso: string | null | undefined): string {
  const at = valid(iso);
  return at ? `${at.toISOString().slice(0, 19).replace("T", " ")} UTC` : "unknown";
}

/** Both zones, for a hint. */
export function bothZones(iso: string | null | undefined): string {
  return valid(iso) ? `${stampText(iso)} (${viewerZone})\n${utcText(iso)}` : "time unknown";
}

/** Seconds in words: 4 s, 3 min, 2 h, 5 d. */
export function spanText(seconds: number): string {
  if (!Number.isFinite(seconds)) return "unknown";
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86_400)} d`;
}

/** How long ago, in words; "unknown" without a time. */
export function ageText(iso: string | null | undefined, now: number = Date.now()): string {
  const at = valid(iso);
  return at ? spanText((now - at.getTime()) / 1000) : "unknown";
}

/** Seconds of the epoch for the charts. */
export function epochSeconds(iso: string): number {
  return Math.floor(new Date(iso).getTime() / 1000);
}

/** Seconds of a timeframe such as 5m, 1h, 1d. */
export function timeframeSeconds(timeframe: string): number {
  const found = /^(\d+)([smhdw])$/.exec(timeframe);
  if (!found) return 60;
  const unit = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }[found[2] as "s" | "m" | "h" | "d" | "w"];
  return Number(found[1]) * unit;
}
