/** The accounts and the one whose money is shown. One account holds one currency; the house's own is shown at first. */

import { computed, reactive } from "vue";

import { get, type Page, rowsOf } from "../api/client";
import { onSessionEnd } from "../api/session";

export interface Account {
  name: string;
  venue: string;
  mode: string;
  base_currency: string;
  enabled: boolean;
  house: boolean;
}

export const accounts = reactive<{ rows: Account[]; shown: string }>({ rows: [], shown: "" });

/** Name and currency of each, to choose from; worth showing where there are two. */
export const accountChoices = computed(() => accounts.rows.map((row) => ({ value: row.name, label: `${row.name} ${row.base_currency}` })));

/** The account whose money is shown, "" before the accounts are known: then the API takes the house's own. */
export const shownAccount = computed(() => accounts.shown || (accounts.rows.find((row) => row.house)?.name ?? ""));

export async function loadAccounts(): Promise<void> {
  accounts.rows = rowsOf(await get<Page<Account> | Account[]>("trading/accounts/"));
}

onSessionEnd(() => {
  accounts.rows = [];
  accounts.shown = "";
});
