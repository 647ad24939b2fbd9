/** A candidate's way from research to live. */

export type Stage = "research" | "walk_forward" | "paper" | "canary" | "live" | "ended";

export interface PromotionGate {
  name: string;
  required: string;
  seen: string;
  passed: boolean;
  /** It was not passed, since time, votes or research are missing. */
  pending: boolean;
  /** It was not passed, and practice does not ask for it. */
  waived: boolean;
}

export interface PromotionJudgement {
  outcome: "opened" | "advanced" | "refused" | "demoted" | "ended";
  before: Stage | null;
  after: Stage;
  at: string;
  at_firm: string;
  actor: string;
  reason: string;
  gates: PromotionGate[];
}

export interface Promotion {
  id: string;
  agent_id: string;
  agent: string;
  strategy: string;
  model_id: string | null;
  model: string | null;
  stage: Stage;
  next_stage: Stage | null;
  since: string;
  paper_days: number;
  canary_days: number;
  canary_share: number;
  practice: boolean;
  unheard: string | null;
  opened_at: string;
  opened_by: string;
  ended_reason: string | null;
  gates: PromotionGate[];
  judgements: PromotionJudgement[];
}
