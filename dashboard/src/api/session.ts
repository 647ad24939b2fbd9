/** Who is signed in. The access token lives in memory only; the refresh token rotates, one refresh at a time over all tabs. */

import { reactive, readonly } from "vue";

import { problemOf } from "./problem";

export type Role = "viewer" | "trader" | "risk" | "admin";
const RANKS: Role[] = ["viewer", "trader", "risk", "admin"];
const REFRESH_KEY = "hq.refresh";

interface Session {
  state: "unknown" | "in" | "out";
  username: string;
  role: Role;
  signedOutBecause: string;
}

const state = reactive<Session>({ state: "unknown", username: "", role: "viewer", signedOutBecause: "" });
export const session = readonly(state);

let access: string | null = null;
let refreshing: Promise<boolean> | null = null;
const endings = new Set<() => void>();

/** Called when the session ends, whoever ended it. */
export function onSessionEnd(ended: () => void): void {
  endings.add(ended);
}

export function accessToken(): string | null {
  return access;
}

/** Whether the person may act with this role. */
export function atLeast(role: Role): boolean {
  return state.state === "in" && RANKS.indexOf(state.role) >= RANKS.indexOf(role);
}

function storedRefresh(): string | null {
  try {
    return window.localStorage.getItem(REFRESH_KEY);
  } catch {
    return null; // storage is blocked: the session lasts as long as the page
  }
}

let keptInMemory: string | null = null;

function keepRefresh(token: string | null): void {
  keptInMemory = token;
  try {
    if (token) window.localStorage.setItem(REFRESH_KEY, token);
    else window.localStorage.removeItem(REFRESH_KEY);
  } catch {
    keptInMemory = token;
  }
}

async function post(path: string, body: object): Promise<Response> {
  return fetch(`/api/v1/auth/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
}

/** Who the access token speaks for. The server checks the token at each request; here it only chooses what to show. */
function takeAccess(token: string): void {
  access = token;
  const { username, role } = claimsOf(token);
  state.username = username;
  state.role = (RANKS as string[]).includes(role) ? (role as Role) : "viewer";
  state.state = "in";
  state.signedOutBecause = "";
}

function claimsOf(token: string): { username: string; role: string } {
  const coded = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(coded), (letter) => letter.charCodeAt(0));
  const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  return { username: String(claims["username"] ?? ""), role: String(claims["role"] ?? "") };
}

/** Sign in; throws an ApiProblem with the server's sentence when refused. */
export async function signIn(username: string, password: string): Promise<void> {
  const answer = await post("token/", { username, password });
  const body = (await answer.json().catch(() => null)) as { access?: string; refresh?: string } | null;
  if (!answer.ok || !body?.access || !body.refresh) {
    throw problemOf(answer.status, body);
  }
  keepRefresh(body.refresh);
  takeAccess(body.access);
}

/** Resume the session of an earlier page; false when there is none. */
export async function resumeSession(): Promise<boolean> {
  if (state.state === "in") return true;
  if (!(storedRefresh() ?? keptInMemory)) {
    state.state = "out";
    return false;
  }
  return refreshAccess();
}

/** A new access token; true when there is one. At most one refresh runs, in this tab and over all tabs. */
export function refreshAccess(): Promise<boolean> {
  refreshing ??= alone(rotate).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function alone(work: () => Promise<boolean>): Promise<boolean> {
  return "locks" in navigator ? navigator.locks.request("hq.refresh", work) : work();
}

async function rotate(): Promise<boolean> {
  const refresh = storedRefresh() ?? keptInMemory;
  if (!refresh) {
    endSession("");
    return false;
  }
  const answer = await post("token/refresh/", { refresh });
  if (answer.status === 400 || answer.status === 401 || answer.status === 403) {
    endSession("Your session has ended. Sign in to go on.");
    return false;
  }
  const body = (await answer.json().catch(() => null)) as { access?: string; refresh?: string } | null;
  if (!answer.ok || !body?.access) throw problemOf(answer.status, body);
  if (body.refresh) keepRefresh(body.refresh);
  takeAccess(body.access);
  return true;
}

/** Forget the session here, with the reason shown at the sign-in page. */
export function endSession(because: string): void {
  access = null;
  keepRefresh(null);
  state.state = "out";
  state.username = "";
  state.role = "viewer";
  state.signedOutBecause = because;
  for (const ended of endings) ended();
}

/** Sign out: the server revokes the session and closes its sockets, then it is forgotten here. */
export async function signOut(): Promise<void> {
  const refresh = storedRefresh() ?? keptInMemory;
  try {
    if (refresh) {
      await fetch("/api/v1/auth/token/revoke/", {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${access ?? ""}` },
        body: JSON.stringify({ refresh }),
      });
    }
  } finally {
    endSession("You are signed out.");
  }
}
