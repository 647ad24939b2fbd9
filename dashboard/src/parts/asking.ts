/** A form's request for something new: whether it is under way, why it was refused, and the key that keeps it from being done twice. */

import { reactive } from "vue";

import { newKey, post } from "../api/client";
import { ApiProblem, problemBehind } from "../api/problem";

export interface Asking {
  busy: boolean;
  problem: ApiProblem | null;
  /** The form is shown anew: nothing was refused yet. */
  begin: () => void;
  /** What the firm answered, or null with a problem. The same wish sent again carries the same key, since an answer that was lost may stand for something done; another wish is another request. */
  ask: <T>(path: string, body: Record<string, unknown>) => Promise<T | null>;
}

export function asking(): Asking {
  let key = newKey();
  let asked = "";
  const state = reactive({ busy: false, problem: null as ApiProblem | null, begin, ask });

  function begin(): void {
    state.problem = null;
  }

  async function ask<T>(path: string, body: Record<string, unknown>): Promise<T | null> {
    if (state.busy) return null;
    const wish = JSON.stringify([path, body]);
    if (wish !== asked) key = newKey();
    asked = wish;
    state.busy = true;
    state.problem = null;
    try {
      const answer = await post<T>(path, body, key);
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
