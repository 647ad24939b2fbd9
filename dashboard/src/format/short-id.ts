const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i;

/** Whether it is an id of the house at all; addresses may hold any word. */
export function isId(text: string): boolean {
  return UUID.test(text);
}

/** The end of a long id; ids begin with their time, so that neighbours look alike there. Short ones stay whole. */
export function shortId(id: string): string {
  return isId(id) ? `…${id.slice(-6)}` : id;
}
