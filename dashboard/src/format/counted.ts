/** A count with the word that fits it: 1 bar, 2 bars, 10,000 bars. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
