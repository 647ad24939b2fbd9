/** Exact arithmetic and display of decimal strings. Money never passes through a float on its way to the screen. */

export interface Exact {
  units: bigint;
  scale: number;
}

const SHAPE = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** The exact value of a decimal string; null for anything that is not one. */
export function parse(text: string | null | undefined): Exact | null {
  if (text === null || text === undefined) return null;
  const found = SHAPE.exec(String(text).trim());
  if (!found) return null;
  const [, sign = "", whole = "0", fraction = "", exponent = "0"] = found;
  let units = BigInt(whole + fraction);
  let scale = fraction.length - Number(exponent);
  if (scale < 0) {
    units *= 10n ** BigInt(-scale);
    scale = 0;
  }
  return { units: sign === "-" ? -units : units, scale };
}

function aligned(a: Exact, b: Exact): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.units * 10n ** BigInt(scale - a.scale), b.units * 10n ** BigInt(scale - b.scale), scale];
}

function written(value: Exact): string {
  const negative = value.units < 0n;
  const digits = (negative ? -value.units : value.units).toString().padStart(value.scale + 1, "0");
  const whole = value.scale ? digits.slice(0, -value.scale) : digits;
  const fraction = value.scale ? `.${digits.slice(-value.scale)}` : "";
  return `${negative ? "-" : ""}${whole}${fraction}`;
}

export type Amount = string | null | undefined;

/** a + b as a decimal string; null when either is unknown. */
export function add(a: Amount, b: Amount): string | null {
  const [x, y] = [parse(a), parse(b)];
  if (!x || !y) return null;
  const [left, right, scale] = aligned(x, y);
  return written({ units: left + right, scale });
}

/** a - b as a decimal string; null when either is unknown. */
export function subtract(a: Amount, b: Amount): string | null {
  const [x, y] = [parse(a), parse(b)];
  if (!x || !y) return null;
  const [left, right, scale] = aligned(x, y);
  return written({ units: left - right, scale });
}

/** a * b as a decimal string; null when either is unknown. */
export function multiply(a: Amount, b: Amount): string | null {
  const [x, y] = [parse(a), parse(b)];
  if (!x || !y) return null;
  return written({ units: x.units * y.units, scale: x.scale + y.scale });
}

/** 100 * part / whole with `places` decimals, cut; null when unknown or the whole is zero. */
export function percentOf(part: Amount, whole: Amount, places = 4): string | null {
  const [x, y] = [parse(part), parse(whole)];
  if (!x || !y || y.units === 0n) return null;
  const [above, below] = aligned(x, y);
  return written({ units: (above * 100n * 10n ** BigInt(places)) / below, scale: places });
}

/** -1, 0 or 1; null when either is unknown. */
export function compare(a: Amount, b: Amount): number | null {
  const [x, y] = [parse(a), parse(b)];
  if (!x || !y) return null;
  const [left, right] = aligned(x, y);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether the value is an exact multiple of the step. */
export function isMultiple(value: Amount, step: Amount): boolean | null {
  const [x, y] = [parse(value), parse(step)];
  if (!x || !y || y.units === 0n) return null;
  const [left, right] = aligned(x, y);
  return left % right === 0n;
}

/** -1, 0 or 1; 0 for unknown. */
export function signOf(value: Amount): -1 | 0 | 1 {
  const exact = parse(value);
  if (!exact || exact.units === 0n) return 0;
  return exact.units < 0n ? -1 : 1;
}

/** Rounded half away from zero to `places` decimals. */
export function rounded(value: Exact, places: number): Exact {
  if (value.scale <= places) return { units: value.units * 10n ** BigInt(places - value.scale), scale: places };
  const step = 10n ** BigInt(value.scale - places);
  const negative = value.units < 0n;
  const size = negative ? -value.units : value.units;
  const units = (size + step / 2n) / step;
  return { units: negative ? -units : units, scale: places };
}

/** How many decimals a tick or step such as "0.01" asks for. */
export function placesOf(tick: Amount, otherwise = 2): number {
  const exact = parse(tick);
  if (!exact || exact.units === 0n) return otherwise;
  let { units, scale } = exact;
  while (scale > 0 && units % 10n === 0n) {
    units /= 10n;
    scale -= 1;
  }
  return scale;
}

export interface DecimalLook {
  /** Fixed number of decimals; without it the value keeps its own, up to `most`. */
  places?: number | undefined;
  most?: number;
  /** Show a plus before positive values as well. */
  signed?: boolean;
}

const MINUS = "\u2212";

/** A decimal string for people: grouped thousands, fixed decimals, a true minus. "unknown" when there is no value. */
export function show(value: Amount, look: DecimalLook = {}): string {
  let exact = parse(value);
  if (!exact) return "unknown";
  if (look.places !== undefined) exact = rounded(exact, look.places);
  else if (exact.scale > (look.most ?? 8)) exact = rounded(exact, look.most ?? 8);
  const negative = exact.units < 0n;
  const [whole = "0", fraction = ""] = written({ ...exact, units: negative ? -exact.units : exact.units }).split(".");
  const kept = look.places === undefined ? fraction.replace(/0+$/, "") : fraction;
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  const sign = negative ? MINUS : look.signed && exact.units > 0n ? "+" : "";
  return `${sign}${grouped}${kept ? `.${kept}` : ""}`;
}

/** A percentage that is already in percent, such as "1.25" for 1.25 %. */
export function showPercent(value: Amount, look: DecimalLook = {}): string {
  const text = show(value, { places: 2, ...look });
  return text === "unknown" ? text : `${text}\u00a0%`;
}

/** A share such as "0.125" shown as 12.5 %. */
export function showShare(value: Amount | number, places = 1): string {
  const text = typeof value === "number" ? String(value) : value;
  return showPercent(multiply(text, "100"), { places });
}

/** For drawing only (chart coordinates, bar widths): the nearest float, NaN when unknown. */
export function forDrawing(value: Amount | number): number {
  if (typeof value === "number") return value;
  return value === null || value === undefined || parse(value) === null ? Number.NaN : Number(value);
}
