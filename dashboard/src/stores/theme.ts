/** Dark, light, or what the system prefers. */

import { ref } from "vue";

export type ThemeChoice = "dark" | "light" | "system";
const KEY = "hq.theme";

function kept(): ThemeChoice {
  try {
    const found = window.localStorage.getItem(KEY);
    return found === "light" || found === "system" ? found : "dark";
  } catch {
    return "dark";
  }
}

export const themeChoice = ref<ThemeChoice>(kept());
/** Counts up whenever the colours change, so that canvases redraw. */
export const themeTurns = ref(0);

function apply(): void {
  const light = themeChoice.value === "light" || (themeChoice.value === "system" && systemLight.matches);
  const next = light ? "light" : "dark";
  if (document.documentElement.dataset["theme"] === next) return;
  document.documentElement.dataset["theme"] = next;
  themeTurns.value += 1;
}

const systemLight = window.matchMedia("(prefers-color-scheme: light)");
systemLight.addEventListener("change", apply);

export function chooseTheme(choice: ThemeChoice): void {
  themeChoice.value = choice;
  try {
    window.localStorage.setItem(KEY, choice);
  } catch {
    themeTurns.value += 1; // storage is blocked: the choice lasts as long as the page
  }
  apply();
}

/** The current value of a colour token such as "--up". */
export function colour(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim();
}
