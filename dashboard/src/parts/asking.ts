/** A form's request, for something new or a change: whether it is under way, why it was refused, and the key that keeps it from being done twice. */

import { reactive } from "vue";

import { newKey, patch, post } from "../api/client";
import { ApiProblem, problemBehind } from "../api/problem";

export interface Asking {
  busy: boolean;
  problem: ApiProblem | null;
  /** The form is shown anew: nothing was refused yet. */
  begin: () => void;
  /** What the firm answered, or null with a problem. The same wish sent again carries the same key, since an answer that was lost may stand for something done; another wish is another request. */
  ask: <T>(path: string, body: object) => Promise<T | null>;
  /** The same for a change of what exists. */
  change: <T>(path: string, body: object) => Promise<T | null>;
}

export function asking(): Asking {
  let key = newKey();
  let asked = "";
  const state = reactive({ busy: false, problem: null as ApiProblem | null, begin, ask, change });

  function begin(): void {
    state.problem = null;
  }

  function ask<T>(path: string, body: object): Promise<T | null> {
    return sent(path, body, post<T>);
  }

  function change<T>(path: string, body: object): Promise<T | null> {
    return sent(path, body, patch<T>);
  }

  async function sent<T>(path: string, body: object, send: (path: string, body: object, key: string) => Promise<T>): Promise<T | null> {
    if (state.busy) return null;
    const wish = JSON.stringify([path, body]);
    if (wish !== asked) key = newKey();
    asked = wish;
    state.busy = true;
    state.problem = null;
    try {
      const answer = await send(path, body, key);
      asked = "";
      return answer;
    } catch (error) {
      state.problem = problemBehind(error);
      return null;
    } finally {
      state.busy = false;
    }
  }

  return state;
}
