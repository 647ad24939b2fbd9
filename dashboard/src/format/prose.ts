/** A sentence of the server for people: a capital first, a true minus before negative numbers. */
export function prose(text: string): string {
  return withMinus(text.charAt(0).toUpperCase() + text.slice(1));
}

/** A true minus before negative numbers; hyphens in words, dates and ids stay. */
export function withMinus(text: string): string {
  return text.replace(/(?<![\w.-])-(?=\d)/g, "\u2212");
}
