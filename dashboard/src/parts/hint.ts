/** `v-hint="text"`: one shared tooltip on hover and focus; Escape closes it. Newlines are kept. */

import type { Directive } from "vue";

type Hinted = HTMLElement & { hintText?: string };

const DELAY_MS = 250;
let bubble: HTMLDivElement | null = null;
let owner: Hinted | null = null;
let timer: number | undefined;

function bubbleElement(): HTMLDivElement {
  if (!bubble) {
    bubble = document.createElement("div");
    bubble.id = "hint";
    bubble.setAttribute("role", "tooltip");
    document.body.appendChild(bubble);
    document.addEventListener("keydown", (event) => event.key === "Escape" && close());
    document.addEventListener("scroll", close, { capture: true, passive: true });
  }
  return bubble;
}

function place(element: Hinted): void {
  const box = bubbleElement();
  box.textContent = element.hintText ?? "";
  box.classList.add("open");
  const at = element.getBoundingClientRect();
  const own = box.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left + at.width / 2 - own.width / 2), window.innerWidth - own.width - 8);
  const below = at.bottom + 6 + own.height < window.innerHeight;
  box.style.left = `${Math.round(left)}px`;
  box.style.top = `${Math.round(below ? at.bottom + 6 : at.top - own.height - 6)}px`;
  element.setAttribute("aria-describedby", "hint");
  owner = element;
}

function close(): void {
  window.clearTimeout(timer);
  bubble?.classList.remove("open");
  owner?.removeAttribute("aria-describedby");
  owner = null;
}

function open(event: Event): void {
  const element = event.currentTarget as Hinted;
  if (!element.hintText) return;
  window.clearTimeout(timer);
  if (event.type === "focus") {
    if (element.matches(":focus-visible")) place(element);
  } else timer = window.setTimeout(() => element.isConnected && place(element), owner ? 0 : DELAY_MS);
}

export const vHint: Directive<Hinted, string | null | undefined> = {
  mounted(element, binding) {
    element.hintText = binding.value ?? "";
    element.addEventListener("pointerenter", open);
    element.addEventListener("focus", open);
    element.addEventListener("pointerleave", close);
    element.addEventListener("blur", close);
    element.addEventListener("pointerdown", close);
  },
  updated(element, binding) {
    element.hintText = binding.value ?? "";
    if (owner === element) bubbleElement().textContent = element.hintText;
  },
  unmounted(element) {
    if (owner === element) close();
  },
};
