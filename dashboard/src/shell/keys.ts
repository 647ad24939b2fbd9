/** Keys of the whole desk: `/` search, `g` and a letter, `?` the list. Never while typing. */

import { onBeforeUnmount, onMounted, ref } from "vue";
import { useRouter } from "vue-router";

import { session } from "../api/session";
import { PLACES } from "./places";

export const keyListOpen = ref(false);
export const searchWanted = ref(0);

const TOGETHER_MS = 1500;

function typing(event: KeyboardEvent): boolean {
  const at = event.target as HTMLElement | null;
  return !!at?.closest("input, textarea, select, [contenteditable]");
}

export function listenToKeys(): void {
  const router = useRouter();
  let goSince = 0;

  function pressed(event: KeyboardEvent): void {
    if (session.state !== "in" || typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (goSince && Date.now() - goSince < TOGETHER_MS) {
      goSince = 0;
      const place = PLACES.find((each) => each.key === event.key.toLowerCase());
      if (!place) return;
      event.preventDefault();
      void router.push({ name: place.name });
    } else if (event.key === "g") goSince = Date.now();
    else if (event.key === "/") {
      event.preventDefault();
      searchWanted.value += 1;
    } else if (event.key === "?") {
      event.preventDefault();
      keyListOpen.value = true;
    }
  }

  onMounted(() => document.addEventListener("keydown", pressed));
  onBeforeUnmount(() => document.removeEventListener("keydown", pressed));
}
