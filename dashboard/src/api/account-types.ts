/** The accounts the firm trades on, as the API shows them. */

export interface LiveNeed {
  code: string;
  met: boolean;
  detail: string;
}

export interface AccountBalance {
  asset: string;
  kind: string;
  budget: string;
  balance: string;
}

export interface Account {
  name: string;
  venue: string;
  mode: "paper" | "live";
  portfolio_id: string;
  base_currency: string;
  starting_capital: string;
  enabled: boolean;
  house: boolean;
  has_keys: boolean;
  checked_at: string | null;
  live_needs: LiveNeed[];
  trouble_code: string;
  trouble: string;
  created_at: string;
  created_by: string;
  enabled_at: string | null;
  enabled_by: string;
  balances: AccountBalance[];
}

export interface PublicKey {
  fingerprint: string;
  armored: string;
}
