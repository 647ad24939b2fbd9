/** A promotion leads to a form of research with the agent that it shall speak for, in the query value `for`. */

import { onMounted, watch } from "vue";

import type { AgentCard } from "../api/agent-types";
import { useQueryValue } from "../parts/query-state";
import { agents } from "../stores/desk";

/** Ask once for the agent that the link names, as soon as it is known. */
export function onCandidate(ask: (agent: AgentCard) => void): void {
  const named = useQueryValue<string>("for", "");
  onMounted(() =>
    watch(
      () => agents.rows.find((row) => row.id === named.value),
      (agent) => {
        if (!agent) return;
        named.value = "";
        ask(agent);
      },
      { immediate: true },
    ),
  );
}
