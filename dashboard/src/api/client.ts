/** The one way to the REST API: bearer token, one retry after a refresh, idempotent POSTs, problems as sentences. */

import { isId } from "../format/short-id";
import { ApiProblem, problemOf } from "./problem";
import { accessToken, endSession, refreshAccess } from "./session";

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Page<T> {
  next: string | null;
  previous: string | null;
  results: T[];
}

const UNREACHABLE_READ = "The server can't be reached. What you see is the last that was known.";
const UNREACHABLE_WRITE =
  "The server can't be reached, so it is not known whether this arrived. It carries a key that keeps it from being done twice: try again.";

function address(path: string, query: Query): string {
  const url = new URL(path.startsWith("http") ? path : `/api/v1/${path}`, window.location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, String(value));
  }
  return url.pathname + url.search;
}

export function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

interface Call {
  /** What is wanted back; JSON without it. */
  accept?: string;
  method: string;
  path: string;
  query?: Query;
  body?: unknown;
  key?: string;
  signal?: AbortSignal | undefined;
}

async function once(call: Call): Promise<Response> {
  const headers: Record<string, string> = { Accept: call.accept ?? "application/json", Authorization: `Bearer ${accessToken() ?? ""}` };
  if (call.body !== undefined) headers["Content-Type"] = "application/json";
  if (call.key) headers["Idempotency-Key"] = call.key;
  try {
    return await fetch(address(call.path, call.query ?? {}), {
      method: call.method,
      headers,
      body: call.body === undefined ? null : JSON.stringify(call.body),
      signal: call.signal ?? null,
    });
  } catch (error) {
    if (call.signal?.aborted) throw error;
    const sentence = call.method === "GET" ? UNREACHABLE_READ : UNREACHABLE_WRITE;
    throw new ApiProblem(0, "unreachable", sentence);
  }
}

async function answered(call: Call): Promise<Response> {
  if (!accessToken() && !(await refreshAccess())) throw new ApiProblem(401, "signed_out", "Sign in first.");
  let answer = await once(call);
  if (answer.status === 401) {
    if (!(await refreshAccess())) throw new ApiProblem(401, "signed_out", "The session has ended. Sign in again.");
    answer = await once(call);
    if (answer.status === 401) endSession("The server no longer accepts this session. Sign in again.");
  }
  if (!answer.ok) throw problemOf(answer.status, await answer.json().catch(() => null));
  return answer;
}

async function send<T>(call: Call): Promise<T> {
  const answer = await answered(call);
  if (answer.status === 204) return undefined as T;
  return (await answer.json().catch(() => null)) as T;
}

export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return send<T>({ method: "GET", path, query, signal });
}

/** One thing of a list, by its id. A word that is none is not asked for: it may be the address of something else. */
export async function getOne<T>(list: string, id: string, signal?: AbortSignal): Promise<T> {
  if (!isId(id)) throw new ApiProblem(404, "not_an_id", `“${id}” is no id.`);
  return get<T>(`${list}${id}/`, {}, signal);
}

/** A file that the API makes, such as a report or a list as CSV. */
export async function file(path: string, query: Query = {}): Promise<Blob> {
  return (await answered({ method: "GET", path, query, accept: "*/*" })).blob();
}

/** `key` names one intent: pass the same key to repeat it safely. */
export function post<T>(path: string, body: unknown = {}, key: string = newKey()): Promise<T> {
  return send<T>({ method: "POST", path, body, key });
}

export function patch<T>(path: string, body: unknown, key: string = newKey()): Promise<T> {
  return send<T>({ method: "PATCH", path, body, key });
}

export function remove<T>(path: string): Promise<T> {
  return send<T>({ method: "DELETE", path, key: newKey() });
}

/** The rows of a list answer, whether it came in pages or whole. */
export function rowsOf<T>(answer: Page<T> | T[] | null): T[] {
  if (Array.isArray(answer)) return answer;
  return answer?.results ?? [];
}

/** BTC/USDT as it stands in a path. */
export function inPath(symbol: string): string {
  return symbol.replaceAll("/", "-");
}

/** BTC-USDT of a path as an instrument. */
export function fromPath(text: string): string {
  return text.replaceAll("-", "/");
}
