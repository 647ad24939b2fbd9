/** Loading something from the API: the data, the sentence of a failure, and whether it takes long enough to say so. */

import { onScopeDispose, shallowReactive } from "vue";

import { ApiProblem, sentence } from "../api/problem";

export interface Loaded<T> {
  data: T | null;
  problem: string;
  /** True where the server knows of no such thing. */
  missing: boolean;
  loading: boolean;
  /** True once it has taken 300 ms: say in words what is being waited for. */
  slow: boolean;
  load: () => Promise<void>;
}

/** Newer loads supersede older ones; nothing is written after the component is gone. */
export function loader<T>(fetcher: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  let running: AbortController | null = null;
  const state = shallowReactive<Loaded<T>>({ data: null, problem: "", missing: false, loading: false, slow: false, load });

  async function load(): Promise<void> {
    running?.abort();
    const own = new AbortController();
    running = own;
    state.loading = true;
    const slowly = window.setTimeout(() => {
      state.slow = running === own;
    }, 300);
    try {
      const data = await fetcher(own.signal);
      if (running !== own) return;
      state.data = data;
      state.problem = "";
      state.missing = false;
    } catch (error) {
      if (running !== own || own.signal.aborted) return;
      state.problem = sentence(error);
      state.missing = error instanceof ApiProblem && error.status === 404;
    } finally {
      window.clearTimeout(slowly);
      if (running === own) {
        state.loading = false;
        state.slow = false;
      }
    }
  }

  onScopeDispose(() => {
    running?.abort();
    running = null;
  });
  return state;
}
