/** A step behind a question: whether it is under way, why it failed, and the key that keeps it from being done twice. */

import { reactive } from "vue";

import { newKey } from "../api/client";
import { sentence } from "../api/problem";

export type Step = (reason: string, key: string) => Promise<void>;

export interface Confirming {
  busy: boolean;
  /** Why it was not done, in a sentence; empty as long as nothing failed. */
  problem: string;
  /** The question is asked anew: nothing failed yet. */
  begin: () => void;
  /** True when the step was done. Tried again with the same reason it carries the same key; another reason is another request. */
  run: (step: Step, reason: string) => Promise<boolean>;
}

export function confirming(): Confirming {
  let key = newKey();
  let said: string | null = null;
  const state = reactive<Confirming>({ busy: false, problem: "", begin, run });

  function begin(): void {
    state.problem = "";
    said = null;
  }

  async function run(step: Step, reason: string): Promise<boolean> {
    if (state.busy) return false;
    if (said !== reason) key = newKey();
    said = reason;
    state.busy = true;
    state.problem = "";
    try {
      await step(reason, key);
      return true;
    } catch (error) {
      state.problem = sentence(error);
      return false;
    } finally {
      state.busy = false;
    }
  }

  return state;
}
