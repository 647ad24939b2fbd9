const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i;

/** The end of a long id; ids begin with their time, so that neighbours look alike there. Short ones stay whole. */
export function shortId(id: string): string {
  return UUID.test(id) ? `…${id.slice(-6)}` : id;
}
