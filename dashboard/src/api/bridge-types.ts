/** The bridge: this instance as its peers know it, the peers, and the agents that they propose. */

export interface Bridge {
  instance: string;
  role: string;
  connected: boolean;
  peers: string[];
  not_added: string[];
  fingerprint: string | null;
  public_key: string | null;
  next_fingerprint: string | null;
}

export interface PeerKey {
  fingerprint: string;
  holds: boolean;
  added_by: string;
  added_at: string;
  ends_at: string | null;
  ended_by: string;
}

export interface BridgePeer {
  name: string;
  named: boolean;
  may_halt: boolean;
  may_propose: boolean;
  keys: PeerKey[];
  heard: boolean;
  heard_at: string | null;
  role: string | null;
  leads: boolean;
  epoch: number;
  trading_state: string | null;
  version: string | null;
  waiting_here: number;
  waiting_there: number;
  taken: number;
  added_by: string;
  added_at: string;
  reason: string;
}

export interface Proposal {
  id: string;
  sender: string;
  strategy: string;
  timeframe: string;
  instruments: string[];
  parameters: Record<string, unknown>;
  author: string;
  reason: string;
  received_at: string;
  state: "waiting" | "adopted" | "declined";
  agent_id: string | null;
  decided_by: string;
  decided_at: string | null;
  decision_reason: string;
}
