/** A long curve with fewer points and the same outline: first, lowest, highest and last of each stretch. Pure. */

type Point = [time: number, value: number];

const MOST = 1200;

export function thinned(points: Point[], most = MOST): Point[] {
  if (points.length <= most) return points;
  const stretch = Math.ceil(points.length / (most / 4));
  const kept: Point[] = [];
  for (let start = 0; start < points.length; start += stretch) {
    const part = points.slice(start, start + stretch);
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...new Set([part[0] as Point, low, high, part.at(-1) as Point].sort((a, b) => a[0] - b[0])));
  }
  return kept;
}
