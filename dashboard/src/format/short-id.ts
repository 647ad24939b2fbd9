const SHOWN = 8;
const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i;

/** Whether it is an id of the house at all; addresses may hold any word. */
export function isId(text: string): boolean {
  return UUID.test(text);
}

/** What tells an id apart from its neighbours: its end, since ids begin with their time. */
export function idEnd(id: string): string {
  return id.slice(-SHOWN);
}

/** An id in a sentence or a table; what is no long id stays whole. */
export function shortId(id: string): string {
  return isId(id) ? `…${idEnd(id)}` : id;
}
