/** Why nothing has been decided yet, and how long that will last. */

import type { AgentCard } from "../api/agent-types";
import { counted } from "../format/counted";

export interface Waiting {
  title: string;
  says: string;
}

/** The bars an agent has of those it needs, from "warming 37/200"; null when it is not warming. */
export function warmth(text: string | null): { have: number; needs: number } | null {
  const found = text ? /(\d+)\s*\/\s*(\d+)/.exec(text) : null;
  return found ? { have: Number(found[1]), needs: Number(found[2]) } : null;
}

export function waitingWords(agents: AgentCard[]): Waiting {
  const running = agents.filter((agent) => agent.desired_state === "running");
  if (agents.length === 0) return { title: "No agent exists.", says: "Create one on the Agents page; agents vote, and votes become decisions." };
  if (running.length === 0) return { title: "All agents are stopped.", says: "Start one on the Agents page." };
  const warming = running.map((agent) => warmth(agent.warming)).filter((each) => each !== null);
  const slowest = warming.sort((a, b) => a.have / a.needs - b.have / b.needs)[0];
  if (slowest) {
    return {
      title: "No trade yet.",
      says: `Agents need ${counted(slowest.needs, "bar")}; they have ${slowest.have}. ${counted(slowest.needs - slowest.have, "more bar has", "more bars have")} to close.`,
    };
  }
  if (running.every((agent) => agent.activity === "silent")) {
    return { title: "No agent is answering.", says: "Their processes are starting or have stopped; the Fleet page shows which." };
  }
  return { title: "No decision yet.", says: "Agents vote when a bar closes; the first decision follows the next one." };
}
